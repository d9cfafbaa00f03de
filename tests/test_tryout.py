"""``bot.py try`` without a page: once, with everything kept, and as a conversation."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from pydantic import SecretStr

from bot import start_bot
from sandbox.server import open_sandbox
from settings import Settings
from tests.support.endpoint import REFUSALS, Endpoint, open_endpoint
from tryout.once import say_once
from tryout.scene import Address, Scene, StartBot, TryFailed
from tryout.terminal import CommandCompleter, Terminal


def starting(endpoint: Endpoint, folder: Path) -> StartBot:
    """The bot in this process, asking ``endpoint``."""
    plain = Settings()
    settings = replace(
        plain,
        model=replace(plain.model, base_url=endpoint.base_url, api_key=SecretStr("key"), retries=0),
        storage=replace(plain.storage, url=f"sqlite:///{folder}/try.db"),
    )

    def start(address: Address, ca: Path, token: str) -> AbstractAsyncContextManager[object]:
        return start_bot(settings, address, ca, token)

    return start


def seconds(path: Path) -> float:
    """How long a WAV file sounds."""
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


async def test_once_keeps_what_was_written_and_what_was_heard(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    async with open_endpoint() as endpoint:
        outcome = await say_once(starting(endpoint, tmp_path), "The tide is low.", out)
    assert outcome.answer == "You said: The tide is low."
    assert outcome.heard_s == pytest.approx(seconds(out / "heard.wav"), abs=0.5)
    assert outcome.heard_s > 1
    assert (out / "reply.ogg").read_bytes().startswith(b"OggS")
    events = json.loads((out / "transcript.json").read_text("utf-8"))
    shown = [each for each in events if each.get("content") == outcome.answer]
    assert {"message.edit"} == {each["kind"] for each in shown}
    assert all(each["at_s"] > 0 for each in events)


async def test_once_says_in_one_line_what_there_was_instead_of_an_answer(tmp_path: Path) -> None:
    async with open_endpoint() as endpoint:
        endpoint.then(REFUSALS["authentication"])
        with pytest.raises(TryFailed, match="does not accept this bot's key"):
            await say_once(starting(endpoint, tmp_path), "Hello?", tmp_path)
    assert "does not accept" in (tmp_path / "transcript.json").read_text("utf-8")


@asynccontextmanager
async def conversation(folder: Path) -> AsyncIterator[Terminal]:
    """A terminal with the bot behind it; what it prints goes to standard output."""
    async with open_endpoint() as endpoint, open_sandbox() as sandbox:
        scene = Scene.build(sandbox)
        start = starting(endpoint, folder)
        async with start(sandbox.address, sandbox.ca_file, sandbox.token):
            await scene.until_ready()
            terminal = Terminal(scene, folder)
            tasks = [
                asyncio.create_task(terminal.watch()),
                asyncio.create_task(terminal.listen(scene.you)),
            ]
            try:
                yield terminal
            finally:
                for task in tasks:
                    task.cancel()
        assert not sandbox.violations


async def test_a_conversation_in_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = ""

    async def shows(text: str) -> None:
        nonlocal printed
        async with asyncio.timeout(20):
            # Printing is no event to wait for.
            while text not in (printed := printed + capsys.readouterr().out):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async with conversation(tmp_path) as terminal:
        completer = CommandCompleter(terminal)

        def completed(typed: str) -> list[str]:
            found = completer.get_completions(Document(typed), CompleteEvent())
            return [each.text for each in found]

        assert {"/chat", "/voice join"} <= set(completed("/"))
        assert completed("/chat te") == ["text:"]
        assert completed(":j") == [":join"]

        await terminal.do("/chat it's me")
        await shows("Parley: You said: it's me")
        await shows("(sound: ")
        await terminal.do("/nonsense")
        await shows("no such command")

        await terminal.do(":join")
        await terminal.do("/voice join")
        await shows("I am joining you")
        for number, text in enumerate(("One.", "And now two, which is a good deal longer."), 1):
            await terminal.do(f"/say {text}")
            await shows(f"heard-{number}.wav")
    one, two = (seconds(tmp_path / f"heard-{number}.wav") for number in (1, 2))
    assert one < 1.5 < two, "each holds what was heard since the one before"
