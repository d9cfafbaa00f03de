"""A conversation in the terminal: type as a member, see what the bot does, hear what it says.

Lines that begin with ``/`` are the bot's own commands, completed as Discord completes them;
lines that begin with ``:`` move the member (``:join``, ``:leave``, ``:press``, ``:as``); anything
else is written in the channel, where a mention of the bot asks it.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
from collections.abc import Coroutine, Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.patch_stdout import patch_stdout

from sandbox.actor import Actor
from sandbox.errors import SandboxError
from sandbox.offers import Offer
from sandbox.records import Interaction, Message
from sandbox.server import Sandbox, open_sandbox
from sandbox.timeline import Event
from tryout.scene import Scene, StartBot, until_quiet

HELP = """\
Type a message, or / for a command, or one of:
  :join  :leave            go to the voice channel, come back
  :press LABEL             press a button of the last message that has it
  :as NAME                 act as another member (you, mei)
  :log                     everything that happened so far, with times
  :quit"""
PLAYERS = (("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"), ("paplay",), ("aplay", "-q"),
           ("afplay",))  # fmt: skip


class CommandCompleter(Completer):
    """Completes commands and their options from what the bot registered."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Candidates for what is typed."""
        del complete_event
        line = document.text_before_cursor
        if line.startswith(":"):
            for word in (":join", ":leave", ":press", ":as", ":log", ":quit"):
                if word.startswith(line):
                    yield Completion(word, -len(line))
        if not line.startswith("/"):
            return
        for offer in self._terminal.who.offers():
            path = f"/{offer.path}"
            if path.startswith(line):
                yield Completion(path, -len(line), display_meta=offer.description)
            elif line.startswith(path + " "):
                yield from _options(offer, line[len(path) + 1 :])


def _options(offer: Offer, typed: str) -> Iterator[Completion]:
    last = typed.rsplit(" ", 1)[-1]
    for option in offer.options:
        name, colon, value = last.partition(":")
        if colon and name == option["name"]:
            for choice in option.get("choices", ()):
                if str(choice["value"]).startswith(value):
                    yield Completion(str(choice["value"]), -len(value), display=choice["name"])
        elif str(option["name"]).startswith(last):
            yield Completion(
                f"{option['name']}:", -len(last), display_meta=option.get("description", "")
            )


def parse_command(line: str, offers: Iterable[Offer]) -> tuple[str, dict[str, str]]:
    """``/path name:value rest`` -> the path, and its options by name.

    What follows no ``name:`` is the first text option, so that ``/chat hello`` works.

    Raises:
        LookupError: no such command; its text says which there are.
    """
    known = sorted(offers, key=lambda offer: -len(offer.path))
    offer = next((o for o in known if f"{line} ".startswith(f"/{o.path} ")), None)
    if offer is None:
        raise LookupError("no such command; there are: " + ", ".join(o.path for o in known))
    rest = line[len(offer.path) + 1 :].strip()
    names = [str(option["name"]) for option in offer.options]
    try:
        words = shlex.split(rest)
    except ValueError:  # an apostrophe is more often one than a quote
        words = rest.split()
    given: dict[str, str] = {}
    loose: list[str] = []
    for word in words:
        name, colon, value = word.partition(":")
        if colon and name in names:
            given[name] = value
        else:
            loose.append(word)
    if loose:
        free = [str(o["name"]) for o in offer.options if o["type"] == 3 and o["name"] not in given]
        if not free:
            raise LookupError(f"/{offer.path} takes: " + ", ".join(names or ["nothing"]))
        # As it was typed, where nothing else was: quotes and double spaces are the writer's.
        given[free[0]] = rest if not given else " ".join(loose)
    return offer.path, given


class Terminal:
    """One conversation."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.who: Actor = scene.you
        self._folder = folder
        self._heard = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, session: PromptSession[str]) -> None:
        """Until ``:quit`` or the end of input."""
        print(HELP)
        with patch_stdout():
            people = (self.scene.you, self.scene.friend)
            watching = [asyncio.create_task(self.watch())]
            watching += [asyncio.create_task(self.listen(who)) for who in people]
            try:
                while True:
                    try:
                        line = (await session.prompt_async(f"{self.who.name}> ")).strip()
                    except (EOFError, KeyboardInterrupt):
                        return
                    if line == ":quit":
                        return
                    if line:
                        await self.do(line)
            finally:
                for task in (*watching, *self._tasks):
                    task.cancel()

    async def do(self, line: str) -> None:
        """One line of input; what Discord would refuse is said, never raised."""
        try:
            if line.startswith(":"):
                await self._move(line)
            elif line.startswith("/"):
                path, given = parse_command(line, self.who.offers())
                await self.who.command(path, given=given)
            else:
                await self.who.say(None, line.replace("@Parley", f"<@{self.scene.sandbox.bot.id}>"))
        except (SandboxError, LookupError) as error:
            print(str(error).splitlines()[0])

    async def _move(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == ":join":
            await self.who.join_voice(self.scene.voice)
            print(f"{self.who.name} is in {self.scene.voice.name}; now /voice join")
        elif word == ":leave":
            await self.who.leave_voice()
        elif word == ":press":
            await self._press(rest.strip())
        elif word == ":as":
            people = {p.name: p for p in (self.scene.you, self.scene.friend)}
            self.who = people.get(rest.strip(), self.who)
        elif word == ":log":
            print(self.scene.sandbox.transcript())
        else:
            print(HELP)

    async def _press(self, label: str) -> None:
        for message in reversed(self.who.sees()):
            labels = [
                str(part.get("label", ""))
                for row in message.components
                for part in row.get("components", ())
            ]
            if label in labels:
                await self.who.click(message, label)
                return
        raise LookupError(f"no message has a button {label}")

    # -- what comes back ----------------------------------------------------------------------

    async def watch(self) -> None:
        """Print what the bot does: a line when a message is complete, files where they are."""
        shown: dict[int, str] = {}
        async with self.scene.sandbox.subscribe() as events:
            while True:
                event = await events.get()
                message = event.details.get("message")
                if isinstance(message, Message):
                    self._show(message, shown)
                elif event.kind in {"interaction.failed", "violation"}:
                    print(_problem(event))

    def _show(self, message: Message, shown: dict[int, str]) -> None:
        if message.author_id != self.scene.sandbox.bot.id or message.deleted:
            return
        if message.visible_to not in (None, self.who.id):
            return
        before = shown.get(message.id, "")
        text = _readable(message)
        if text.startswith(before) and before:
            fresh = text[len(before) :]
        else:
            fresh = f"Parley: {text}" if text else ""
        shown[message.id] = text
        if fresh.strip():
            print(fresh)
        for attachment in message.attachments:
            path = self._folder / f"{message.id}-{attachment.id}.ogg"
            if attachment.content_type.startswith("audio/") and not path.exists():
                path.write_bytes(attachment.data)
                print(f"  (sound: {path})")
                self._spawn(self._play(path))

    async def listen(self, who: Actor) -> None:
        """Each time a voice has fallen silent: keep what ``who`` heard since the last time."""
        hearing = who.heard(self.scene.guild)
        while True:
            known = len(hearing.frames)
            await until_quiet(self.scene.sandbox, hearing, None, known=known)
            if who is not self.who:
                continue
            self._heard += 1
            path = self._folder / f"heard-{self._heard}.wav"
            await asyncio.to_thread(hearing.save_wav, path, known=known)
            print(f"  (heard in voice: {path})")
            self._spawn(self._play(path))

    async def _play(self, path: Path) -> None:
        for name, *flags in PLAYERS:
            if shutil.which(name):
                playing = await asyncio.create_subprocess_exec(name, *flags, str(path))
                await playing.wait()
                return

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _readable(message: Message) -> str:
    embeds = [f"{e.get('title', '')}\n{e.get('description', '')}".strip() for e in message.embeds]
    labels = [
        f"[{part.get('label') or part.get('placeholder')}]"
        for row in message.components
        for part in row.get("components", ())
        if not part.get("disabled")
    ]
    buttons = " ".join(labels) if labels and "[Stop]" not in labels else ""
    return "\n".join(part for part in (message.content, *embeds, buttons) if part)


def _problem(event: Event) -> str:
    interaction = event.details.get("interaction")
    if isinstance(interaction, Interaction):
        return f"{interaction.summary}: the application did not respond"
    return f"Discord would refuse: {event.details.get('violation')}"


async def converse(start: StartBot) -> None:
    """Open the sandbox, start the bot in it, and talk. Raises TryFailed."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with open_sandbox() as sandbox:
            scene = Scene.build(sandbox)
            async with start(sandbox.address, sandbox.ca_file, sandbox.token):
                print("starting; the first time takes a little longer")
                await scene.until_ready()
                terminal = Terminal(scene, Path(folder))
                session: PromptSession[str] = PromptSession(completer=CommandCompleter(terminal))
                await terminal.run(session)
                _say_goodbye(sandbox)


def _say_goodbye(sandbox: Sandbox) -> None:
    if sandbox.violations:
        print(f"{len(sandbox.violations)} rules of Discord's were broken")
