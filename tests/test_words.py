"""The catalogues are complete and sound, and nothing that a person reads goes around them."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from string import Formatter

import pytest
from babel.messages.catalog import Message
from discord import app_commands

import catalogue
from catalogue import LANGUAGES
from cogs.forms import LABEL_MOST
from tests.support.unmarked import sentences, unmarked
from words import Words

ROOT = catalogue.ROOT
MARKUP = re.compile(r"<[^<>\s]+>")
NAME = re.compile(r"[-_'\w]{1,32}")
"""What Discord allows as the name of a command or an option, besides that it is in lower case."""
DESCRIPTION_MOST = 100


@pytest.fixture(scope="module", autouse=True)
def tidy() -> None:
    """Python 3.11 cannot parse while a finalizer of an earlier test formats a traceback."""
    gc.collect()


@pytest.fixture(scope="module")
def wanted() -> set[tuple[str | None, str]]:
    """Everything that the source says."""
    return {_key(message) for message in catalogue.template() if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_what_is_said_and_nothing_else(
    language: str, wanted: set[tuple[str | None, str]]
) -> None:
    there = {_key(message) for message in _messages(language)}
    missing, obsolete = wanted - there, there - wanted
    assert not missing, f"run `make catalogue`, then translate: {sorted(map(str, missing))}"
    assert not obsolete, f"run `make catalogue`; nobody says: {sorted(map(str, obsolete))}"
    assert not catalogue.read(language).obsolete, "run `make catalogue`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated_and_nothing_is_guessed(language: str) -> None:
    read = catalogue.read(language)
    waiting = catalogue.untranslated(read)
    assert not waiting, f"translate in {catalogue.path_of(language)}: {waiting}"
    assert not [message.id for message in _messages(language) if message.fuzzy]
    for message in _messages(language):
        if message.pluralizable:
            assert len(message.string) == read.num_plurals, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_holes_and_the_markup(language: str) -> None:
    for message in _messages(language):
        for english, translation in _pairs(message):
            assert _holes(translation) == _holes(english), english
            assert _markup(translation) == _markup(english), english
            assert english.startswith("-# ") == translation.startswith("-# "), english
            assert english.count("**") == translation.count("**"), english
            assert english.count("\n") == translation.count("\n"), english
            assert translation == translation.strip(), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_that_is_mentioned_is_called_what_it_is_called(language: str) -> None:
    words, paths = Words.of(language), dict(_paths())
    for message in _messages(language):
        for english, translation in _pairs(message):
            for mention in re.findall(r"(?<!\w)/([a-z]+(?: [a-z-]+)?)", english):
                path = next((p for p in (mention, mention.split()[0]) if p in paths), None)
                assert path, f"{english!r} mentions /{mention}, which is no command"
                called = " ".join(words.name(part, "command") for part in path.split())
                assert f"/{called}" in translation, english


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_commands_are_what_discord_allows_and_differ(language: str) -> None:
    words = Words.of(language)
    for level in catalogue.command_groups():
        called = [words.name(command.name, "command") for command in level]
        assert len(called) == len(set(called)), called
        for command in level:
            options = command.parameters if isinstance(command, app_commands.Command) else []
            named = [words.name(option.name, "option") for option in options]
            assert len(named) == len(set(named)), (command.name, named)
            for name in (*called, *named):
                assert NAME.fullmatch(name), name
                assert name == name.lower(), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_described_in_the_catalogue(language: str) -> None:
    words = Words.of(language)
    for level in catalogue.command_groups():
        for command in level:
            shown = [str(command.description)]
            for option in command.parameters if isinstance(command, app_commands.Command) else ():
                shown.append(str(option.description))
                shown += [str(choice.name) for choice in option.choices]
            for english in shown:
                assert words(english) != english, f"/{command.qualified_name}: {english!r}"
                assert 1 <= len(words(english)) <= DESCRIPTION_MOST, english


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_short_stays_short(language: str) -> None:
    for message in _messages(language):
        for english, translation in _pairs(message):
            if len(english) <= LABEL_MOST:
                assert len(translation) <= LABEL_MOST, english


@pytest.mark.parametrize("locale", ["zh-TW", "ja", "zh_TW"])
def test_words_are_looked_up_by_discords_names_of_languages(locale: str) -> None:
    words = Words.of(locale)
    assert words("Stopped.") != "Stopped."
    assert words("Estimated wait: {wait}.", wait="7") == words("Estimated wait: {wait}.").format(
        wait="7"
    )
    assert "3" in words.plural("about {n} minute", "about {n} minutes", 3)
    assert words("Speak") != words.name("Speak", "permission")
    assert words("What nobody says") == "What nobody says"
    assert words("") == ""


def test_who_has_no_catalogue_is_spoken_to_in_english() -> None:
    for locale in ("en-US", "en-GB", "fr", "xx", "../ja"):
        words = Words.of(locale)
        assert words("Stopped.") == "Stopped."
        assert words.name("chat", "command") == "chat"
        assert words.plural("{n} turn", "{n} turns", 1) == "1 turn"
        assert words.plural("{n} turn", "{n} turns", 2) == "2 turns"


# --- what goes around the catalogue

NOT_SHOWN = {
    "Ask Parley": "the menu's name in English, to compare with",
    "Voice websocket poller": "the name of a task",
    **dict.fromkeys(
        ("View Channel", "Connect", "Speak"), "translated by Words.name, from the constant"
    ),
    **dict.fromkeys(
        [
            "English",
            "繁體中文",
            "简体中文",
            "日本語",
            "한국어",
            "Deutsch",
            "Español",
            "Français",
            "Italiano",
            "Nederlands",
            "Polski",
            "Português",
            "Русский",
            "Українська",
            "Tiếng Việt",
        ],
        "languages, each in its own name",
    ),
}
CUSTOM_ID = "parley:"
TO_THE_MODEL = {"dialogue/prompt.py"}


def test_no_sentence_reaches_a_person_around_the_catalogue() -> None:
    found: list[str] = []
    for path in catalogue.sources():
        where = path.relative_to(ROOT).as_posix()
        if where in TO_THE_MODEL or "/" not in where:
            continue  # bot.py and its like print for whoever runs it
        source = path.read_text("utf-8")
        found += [f"{where}:{line}: {text!r}" for line, text in unmarked(source)]
        if where.startswith("cogs/"):
            found += [
                f"{where}:{line}: {text!r}"
                for line, text in sentences(source)
                if text not in NOT_SHOWN and not text.startswith(CUSTOM_ID)
            ]
    assert not found, "mark with N_ and say through words(...): " + "; ".join(sorted(set(found)))


@pytest.mark.parametrize(
    "source",
    [
        'await tell(interaction, "Done.")',
        'await tell(interaction, f"Done, {name}.")',
        'await tell(interaction, scene.words("Done."))',
        'await channel.send(content="Done" if done else None)',
        'text = "Done"\nawait interaction.followup.send(text)',
        'def said():\n    lines = []\n    lines.append("Done")\n    return lines\n'
        'def say():\n    tell(i, "\\n".join(said()))',
        'discord.ui.Button(label="Yes")',
        'discord.ui.TextInput(placeholder="Name")',
        'LABELS = {1: "Yes"}\ndiscord.ui.Button(label=LABELS[1])',
        'discord.SelectOption(label=f"{n} days", value="1")',
        'class Gone(ParleyError):\n    sentence = "Gone."',
        '@app_commands.command(description="Do it")\ndef do(): ...',
        '@app_commands.describe(text="What")\ndef do(text): ...',
        'app_commands.Choice(name="mine", value=1)',
        'words.plural("{n} day", "{n} days", 3)',
        'Embed(title="Queue")',
        # In small letters, so that nothing but the way to a person gives it away.
        'embed.title = "queue"',
        'button.label = "yes"',
        'class Page(discord.ui.Modal, title="form"): ...',
        'await tell(interaction, "done".title())',
        'await tell(interaction, "done %s" % name)',
        'LABELS = {1: "yes"}\ndiscord.ui.Button(label=LABELS.get(1))',
        'for text in ("done", "gone"):\n    await tell(interaction, text)',
        'async def say(text="done"):\n    await tell(interaction, text)',
        'select.add_option(label="red")',
        'app_commands.Choice(name=f"all of {n}", value=1)',
        'Line(key="name", label="name", most=3)',
        'await ask_first(interaction, "sure?", deed)',
        'await interaction.response.send_modal(Form(words, "form", lines, filled))',
        'Line("name", "label", 3)',
    ],
)
def test_a_bypass_is_found(source: str) -> None:
    assert unmarked(source), source


@pytest.mark.parametrize(
    "source",
    [
        'class A:\n    text = "Done"\nawait tell(interaction, A.text)',
        'self.text = f"{n} Turns"',
        'await send(**{"content": "Done"})',
        'said = lambda: "Done"',
        'def state():\n    return "\u5b8c\u6210"',
        'Ending(("Stopped",), None)',
        'discord.ui.TextDisplay("Hello")',
        'Poll(question="Which?")',
        'match kind:\n    case 1:\n        text = "Done"',
    ],
)
def test_a_word_is_found_however_it_goes(source: str) -> None:
    assert sentences(source), source


@pytest.mark.parametrize(
    "source",
    [
        'DONE = N_("Done.")\nawait tell(interaction, words(DONE, name="x"))',
        'await tell(interaction, f"<#{channel_id}>")',
        'await tell(interaction, "\\n".join(lines))',
        'log.info("an answer was told: %s", name)',
        'SENTENCES = {1: N_("Yes")}\nButton(label=words(SENTENCES[1]), custom_id="parley:yes")',
        'class Gone(ParleyError):\n    sentence = N_("Gone.")',
    ],
)
def test_what_goes_through_the_catalogue_is_left_alone(source: str) -> None:
    assert not unmarked(source)
    assert not sentences(source)


def test_a_sentence_in_a_helper_is_found_wherever_it_goes() -> None:
    assert sentences('def state(link):\n    """Docs are free."""\n    return "all is well"')


# --- helpers


def _messages(language: str) -> list[Message]:
    return [message for message in catalogue.read(language) if message.id]


def _key(message: Message) -> tuple[str | None, str]:
    return message.context, str(message.id)


def _pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Every form beside the English it stands for; these languages have the one for many."""
    english = message.id[-1] if isinstance(message.id, tuple) else message.id
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    for form in forms:
        yield english, form


def _holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _markup(text: str) -> list[str]:
    return sorted(MARKUP.findall(text))


def _paths() -> Iterator[tuple[str, catalogue.AnyCommand]]:
    for level in catalogue.command_groups():
        for command in level:
            yield command.qualified_name, command
