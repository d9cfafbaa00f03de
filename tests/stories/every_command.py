"""A row for every command: how it is used well and badly, and what is said, store away or not.

``tests/stories/test_every_command.py`` fails as long as a command of the tree has no row here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from sandbox.actor import Actor, File
from sandbox.errors import BadOption
from sandbox.records import Interaction, Message
from tests.stories.community import YES, private
from tests.stories.town import Town, labels
from words import Words

BUSY = "My memory is busy right now. Please try again in a moment."
FULL = "My memory is full; whoever runs me has been told. Nothing was saved."
LATER = "I will save this as soon as I can"
AGAIN = {Words.of(locale)("Regenerate") for locale in ("en-US", "zh-TW", "ja")}
UNSENT = "Discord does not send that"

Use = Callable[[Town, Actor], Awaitable[str]]


@dataclass(frozen=True)
class Row:
    """One command. ``use`` and ``wrong`` give what is said to whoever used it."""

    use: Use
    says: str
    """Part of what it says when it works."""
    wrong: Use | None = None
    """Bad input; ``None`` where the command takes none."""
    complains: str = ""
    locked: str = BUSY
    """Part of what ``use`` says while the store is locked; on a full disk, FULL for BUSY."""
    who: str = "amy"


async def said(town: Town, asked: Interaction) -> str:
    """What somebody reads in answer: a finished answer, a sentence, the name of a file, a form."""

    def found() -> str:
        if asked.modal is not None:
            return f"form: {asked.modal['title']}"
        for message in asked.messages:
            # An answer that is not saved yet has no buttons.
            if LATER in message.content or AGAIN & set(labels(message)):
                return message.content
            if message.ephemeral and not message.loading:
                return message.content or message.attachments[0].filename
        return ""

    return await town.until(found)


def in_words_of(who: Actor, english: str) -> str:
    """What a label is in their language."""
    return Words.of(who.user.locale)(english)


def using(path: str, **options: object) -> Use:
    """``path`` with these options; values that need the town are functions of it."""

    async def use(town: Town, who: Actor) -> str:
        given = {name: value(town) if callable(value) else value for name, value in options.items()}
        try:
            return await said(town, await who.command(path, given=given))
        except BadOption:
            return UNSENT

    return use


def sure(path: str, **options: object) -> Use:
    """The same for a command that asks first: yes is pressed."""

    async def use(town: Town, who: Actor) -> str:
        given = {name: value(town) if callable(value) else value for name, value in options.items()}
        try:
            asked = await who.command(path, given=given)
        except BadOption:
            return UNSENT
        question = await private(town, asked)
        if not question.components:
            return question.content  # refused
        before = question.content
        pressed = await who.click(question, in_words_of(who, YES))

        def told() -> str:
            if question.content != before:
                return question.content
            mine = [m for m in pressed.messages if m is not question and m.ephemeral]
            return mine[0].content if mine else ""

        return await town.until(told)

    return use


def persona(name: str) -> Use:
    """``/persona make`` with its form."""

    async def use(town: Town, who: Actor) -> str:
        form = await who.command("persona make")
        if form.modal is None:
            return await said(town, form)
        labels = ("Name", "Prompt: who I am and how I talk")
        values = dict(
            zip((in_words_of(who, each) for each in labels), (name, "Care."), strict=True)
        )
        return await said(town, await who.submit(form, values))

    return use


def menu(text: str) -> Use:
    """The message menu, on what ben wrote."""

    async def use(town: Town, who: Actor) -> str:
        message = await town.ben.say(town.general, text)
        return await said(town, await who.menu("Ask Parley", message))

    return use


async def pin(town: Town, who: Actor) -> str:
    """``/memory pin`` of the newest turn."""
    choices = await who.autocomplete("memory pin", "turn", "")
    turn = choices[0]["value"] if choices else "1"
    return await using("memory pin", turn=turn)(town, who)


async def log_channel(town: Town, who: Actor) -> str:
    """``/setup``, and a choice on its first page."""
    shown = await private(town, await who.command("setup"))
    if not shown.components:
        return shown.content
    which = in_words_of(who, "Channel for what moderators do")
    pressed = await who.choose(shown, [town.general], which=which)

    def told() -> str:
        if f"<#{town.general.id}>" in shown.content:
            return shown.content
        mine = [m for m in pressed.messages if m is not shown and m.ephemeral]
        return mine[0].content if mine else ""

    return await town.until(told)


async def days(town: Town, who: Actor) -> str:
    """A form of ``/setup``, filled in with nonsense."""
    shown = await private(town, await who.command("setup"))
    for page in (2, 3):
        before = shown.content
        await who.click(shown, in_words_of(who, "Next"))
        await town.until(partial(differs, shown, before))
        assert str(page) in shown.content
    form = await who.click(shown, in_words_of(who, "Forget after\u2026"))
    return await said(town, await who.submit(form, {"days": "soon"}))


def differs(shown: Message, before: str) -> bool:
    """Whether a message was edited."""
    return shown.content != before


def amy(town: Town) -> object:
    return town.amy.user


def ben(town: Town) -> object:
    return town.ben.user


def owner(town: Town) -> object:
    return town.owner.user


def general(town: Town) -> object:
    return town.general


def everyone(town: Town) -> object:
    return town.guild.roles[town.guild.id]


SHEET = File("words.csv", b"word,spoken\nkubectl,cube control\n")
BROKEN = File("words.csv", b"a,b,c\n")
GONE = "no longer in your memory"
NO_PERSONA = "no persona of that name"
NO_VOICE = "no voice called Nobody"
NO_SESSION = "no voice session"
NO_TRAINING = "No voice is being trained"

ROWS: dict[str, Row] = {
    # In this order they can be used one after another, each with something to work on.
    "memory undo": Row(using("memory undo"), "I took back"),
    "chat": Row(
        using("chat", text="Hello."),
        "You said: Hello.",
        using("chat", text="\u200b"),
        "the message is empty",
        LATER,
    ),
    "Ask Parley": Row(
        menu("Ahoy."), "You said: Ahoy.", menu("\u200b"), "the message is empty", LATER
    ),
    "memory show": Row(using("memory show"), "turns in mind", locked="turns in mind"),
    "memory pin": Row(pin, "Pinned", using("memory pin", turn="nonsense"), GONE),
    "persona make": Row(persona("Nurse"), "Saved: Nurse", persona("***"), "A name has"),
    "persona set": Row(
        using("persona set", name="Guide"),
        "You talk with Guide",
        using("persona set", name="Nobody"),
        NO_PERSONA,
    ),
    "persona show": Row(using("persona show"), "You talk with", locked="You talk with"),
    "persona list": Row(using("persona list"), "Guide", locked="Guide"),
    "persona clear": Row(using("persona clear"), "usual persona again"),
    "persona delete": Row(
        using("persona delete", name="Pirate"),
        "Deleted: Pirate",
        using("persona delete", name="Nobody"),
        NO_PERSONA,
    ),
    "dict add": Row(
        using("dict add", word="cat", spoken="feline"),
        "I say",
        using("dict add", word="\u200b", spoken="b"),
        "needs a word",
    ),
    "dict remove": Row(
        using("dict remove", word="nginx"),
        "out of the dictionary",
        using("dict remove", word="nothing"),
        "not in the dictionary",
    ),
    "dict import": Row(
        using("dict import", file=SHEET),
        "1 entry",
        using("dict import", file=BROKEN),
        "Line 1",
    ),
    "dict list": Row(
        using("dict list"), "\u2192", using("dict list", level="persona"), NO_PERSONA, "\u2192"
    ),
    "dict export": Row(
        using("dict export"),
        "any spreadsheet",
        using("dict export", level="persona"),
        NO_PERSONA,
        "any spreadsheet",
    ),
    "usage": Row(using("usage"), "Today here", locked="Today here"),
    "voice set": Row(
        using("voice set", voice="en_US-joe-medium"),
        "speaks to you",
        using("voice set", voice="Nobody"),
        NO_VOICE,
    ),
    "voice list": Row(using("voice list"), "en_US-joe-medium", locked="en_US-joe-medium"),
    "voice preview": Row(
        using("voice preview", text="Hi."),
        "preview.ogg",
        using("voice preview", voice="Nobody"),
        NO_VOICE,
        "preview.ogg",
    ),
    "voice speed": Row(
        using("voice speed", factor=1.5),
        "1.5 times",
        using("voice speed", factor=9.0),
        UNSENT,
    ),
    "voice replies": Row(
        using("voice replies", kind="off"),
        "text only",
        using("voice replies", kind="loud"),
        UNSENT,
    ),
    "skip": Row(using("skip"), "not speaking", locked="not speaking"),
    "stop": Row(using("stop"), "not speaking", using("stop", everyone="x"), UNSENT, "not speaking"),
    "voice status": Row(using("voice status"), "voice session", locked="voice session"),
    "queue": Row(using("queue"), "Voice sessions", locked="Voice sessions"),
    "voice join": Row(using("voice join"), "A voice session is yours"),
    "say": Row(
        using("say", text="Hi."),
        "It is your turn",
        using("say", text="x" * 2001),
        UNSENT,
        "voice session",
    ),
    "voice leave": Row(using("voice leave"), "out of the line"),
    # Off unless the owner turns it on; ``tests/stories/test_training.py`` does.
    "voice train start": Row(
        using("voice train start"),
        "switched off",
        using("voice train start", role=404),
        UNSENT,
        "switched off",
        who="owner",
    ),
    "voice train status": Row(
        using("voice train status"), NO_TRAINING, locked=NO_TRAINING, who="owner"
    ),
    "voice train cancel": Row(
        using("voice train cancel"), NO_TRAINING, locked=NO_TRAINING, who="owner"
    ),
    "privacy export": Row(
        using("privacy export"), "All that I hold about you", locked="All that I hold about you"
    ),
    "mod clear-memory": Row(
        sure("mod clear-memory", member=amy),
        "Cleared: ",
        using("mod clear-memory", member=404),
        UNSENT,
        who="owner",
    ),
    "mod clear-channel": Row(
        sure("mod clear-channel", channel=general),
        "Cleared: ",
        using("mod clear-channel", channel=404),
        UNSENT,
        who="owner",
    ),
    "mod clear-server": Row(sure("mod clear-server"), "Cleared: ", who="owner"),
    "mod block": Row(
        using("mod block", member=ben),
        "can no longer use me",
        using("mod block", member=owner),
        "can't block moderators",
        who="owner",
    ),
    "mod blocks": Row(using("mod blocks"), "<@", locked="Nobody is blocked", who="owner"),
    "mod unblock": Row(
        using("mod unblock", member=ben),
        "can use me again",
        using("mod unblock", member=404),
        UNSENT,
        who="owner",
    ),
    "mod quota": Row(
        using("mod quota", role=everyone, tokens=70_000),
        "70000 tokens",
        using("mod quota", role=everyone, tokens=-2),
        UNSENT,
        who="owner",
    ),
    "mod persona-default": Row(
        using("mod persona-default", persona="Guide"),
        "talks with Guide",
        using("mod persona-default", persona="Nobody"),
        NO_PERSONA,
        who="owner",
    ),
    "mod persona-lock": Row(
        using("mod persona-lock", locked=True),
        "locked",
        using("mod persona-lock", locked="perhaps"),
        UNSENT,
        who="owner",
    ),
    "mod voice": Row(
        using("mod voice"),
        "may use",
        using("mod voice", voice="Nobody"),
        NO_VOICE,
        "may use",
        who="owner",
    ),
    "mod sessions": Row(
        using("mod sessions"), "voice session", locked="voice session", who="owner"
    ),
    "mod end-session": Row(
        using("mod end-session", member=ben),
        NO_SESSION,
        using("mod end-session", member=404),
        UNSENT,
        NO_SESSION,
        who="owner",
    ),
    "mod limits": Row(
        using("mod limits", sessions=2),
        "at once: 2",
        using("mod limits", sessions=101),
        UNSENT,
        who="owner",
    ),
    "mod log": Row(
        using("mod log"), "<t:", using("mod log", page=0), UNSENT, "saved a persona", who="owner"
    ),
    "setup": Row(log_channel, "posted in", days, "a number from 1 to 3650", who="owner"),
    "memory clear": Row(sure("memory clear"), "Forgotten: "),
    "privacy forget": Row(sure("privacy forget"), "Forgotten: "),
}
