"""The demo model: the same contract as the scripted endpoint, and a life that is looked after."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from dialogue.ask import Ask, Finish
from dialogue.errors import ContextTooLong, KeyRefused, ModelUnreachable
from dialogue.failures import FAILURES, failure
from dialogue.memory import Saved
from dialogue.model import Model
from dialogue.model_server import ModelServer, open_model_server, weights
from dialogue.service import Dialogue, open_dialogue
from dialogue.settings import DialogueSettings, ModelSettings
from storage.database import open_database
from tests.dialogue.scene import ANNA, CLUB, ROOM
from tests.support.endpoint import open_endpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["scripted endpoint", "demo model"])
async def dialogue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Dialogue]:
    """All of dialogue, in front of the fake and of the real thing."""
    async with open_endpoint() as endpoint, open_database(f"sqlite:///{tmp_path}/a.db") as database:
        model = ModelSettings(answer_tokens=24)
        if request.param == "scripted endpoint":
            model = replace(model, base_url=endpoint.base_url)
        async with open_dialogue(DialogueSettings(model=model), database, cache=tmp_path) as opened:
            yield opened


def ask(text: str, **given: Any) -> Ask:
    return Ask(ANNA, CLUB, ROOM, "Anna", text, **given)


async def test_contract_an_answer_streams_ends_and_is_counted(dialogue: Dialogue) -> None:
    async with dialogue.responder.answer(ask("Say hello to my friend Ben.")) as answer:
        pieces = [piece async for piece in answer]
        assert await answer.settle("".join(pieces), complete=True) is Saved.SAVED
    assert "".join(pieces).strip()
    assert answer.finish in (Finish.STOP, Finish.LENGTH)
    assert answer.usage is not None
    assert answer.usage.tokens_in > 0
    assert 0 < answer.usage.tokens_out <= 25
    assert not answer.usage.counted


async def test_contract_an_answer_can_be_stopped(dialogue: Dialogue) -> None:
    async with dialogue.responder.answer(ask("Count from one to a hundred.")) as answer:
        first = await anext(answer)
        answer.cancel()
        assert [piece async for piece in answer] == []
    assert first
    assert answer.finish in (Finish.CANCELLED, Finish.STOP, Finish.LENGTH)
    async with dialogue.responder.answer(ask("And now?")) as answer:
        assert [piece async for piece in answer]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with open_model_server(threads=1) as opened:
        yield opened


async def said(server: ModelServer | None, *messages: tuple[str, str], base_url: str = "") -> str:
    model, text = Model(ModelSettings(base_url=base_url), server), ""
    try:
        async for piece in model.stream(list(messages), answer_tokens=8):  # type: ignore[arg-type]
            text += piece.text
    finally:
        await model.close()
    return text


async def test_it_is_niced_healthy_and_for_this_bot_alone(server: ModelServer) -> None:
    assert await server.healthy()
    assert psutil.Process(server.pid).nice() >= 10
    assert "key" not in repr(server.api_key)
    with pytest.raises(FAILURES) as caught:
        await said(None, ("user", "hello"), base_url=await server.base_url(5))
    assert type(failure(caught.value, begun=False)) is KeyRefused


async def test_it_is_started_again_when_it_dies(server: ModelServer) -> None:
    assert await said(server, ("user", "hello"))
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        await server.restarted()
    assert server.pid != pid
    assert await said(server, ("user", "hello"))


async def test_it_is_started_again_when_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialogue.model_server.HEALTH_TIMEOUT_S", 0.2)
    monkeypatch.setattr("dialogue.model_server.HEALTH_EVERY_S", 0.2)
    async with open_model_server(threads=1) as server, asyncio.timeout(30):
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await server.restarted()
        assert server.pid != pid
        assert await said(server, ("user", "hello"))


async def test_it_ends_with_the_bot_even_by_kill_9() -> None:
    program = (
        "import asyncio\n"
        "from dialogue.model_server import open_model_server\n"
        "async def main():\n"
        "    async with open_model_server() as server:\n"
        "        print(server.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    bot, pid = started(program)
    child = psutil.Process(pid)
    bot.kill()
    bot.wait()
    await asyncio.to_thread(child.wait, 10)
    assert not psutil.pid_exists(pid) or child.status() == psutil.STATUS_ZOMBIE


def started(program: str) -> tuple[subprocess.Popen[str], int]:
    bot = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert bot.stdout is not None
    pid = int(bot.stdout.readline())
    bot.stdout.close()
    return bot, pid


async def test_what_it_cannot_read_it_says(server: ModelServer) -> None:
    with pytest.raises(FAILURES) as caught:
        await said(server, ("user", "word " * 9000))
    assert type(failure(caught.value, begun=False)) is ContextTooLong


async def test_without_its_weights_it_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights() is not None
    monkeypatch.setattr("dialogue.model_server.weights", lambda: None)
    with pytest.raises(ModelUnreachable):
        async with open_model_server():
            pass


async def test_the_footer_says_what_it_is(tmp_path: Path) -> None:
    async with (
        open_database(f"sqlite:///{tmp_path}/a.db") as database,
        open_dialogue(
            DialogueSettings(model=ModelSettings(answer_tokens=4)), database, cache=tmp_path
        ) as dialogue,
    ):
        assert dialogue.responder.demo
        async with dialogue.responder.answer(ask("Hi")) as answer:
            async for _ in answer:
                pass
        assert "small demo model" in answer.footer
