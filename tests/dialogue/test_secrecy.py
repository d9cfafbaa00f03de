"""What people wrote, and the key, are in no log and in no repr, however loud the log is."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from langsmith.utils import get_env_var, tracing_is_enabled
from pydantic import SecretStr

from dialogue.ask import Document, Image
from dialogue.errors import ContentRefused
from dialogue.model_server import open_model_server
from dialogue.settings import DialogueSettings, MemorySettings, ModelSettings
from errors import ParleyError
from storage import database as database_module
from storage.records import GuildSettings
from tests.dialogue.scene import ANNA, CLUB, KEY, SETTINGS, open_scene
from tests.dialogue.test_memory import Thief
from tests.support.databases import KINDS, url_for
from tests.support.endpoint import REFUSALS, Reply

WORDS = "zanzibar-marmalade"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says at DEBUG, with tracebacks."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_written_is_logged(
    kind: str, tmp_path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    settings = replace(SETTINGS, memory=MemorySettings(budget_tokens=256))
    async with open_scene(tmp_path, settings, url=url_for(kind, tmp_path)) as scene:
        failures: list[ParleyError | None] = []
        for name in REFUSALS:
            scene.endpoint.then(replace(REFUSALS[name], message=f"You wrote {WORDS}"))
            failures.append((await scene.say(WORDS)).error)
        scene.endpoint.then(Reply(WORDS, ending="cut"))
        failures.append((await scene.say(WORDS)).error)
        await scene.say(
            WORDS,
            images=(Image("image/png", WORDS.encode()),),
            documents=(Document(WORDS, WORDS),),
            name=WORDS,
        )
        moderators = scene.dialogue.moderators
        await moderators.save_settings(GuildSettings(CLUB, tools=True), 9)
        scene.endpoint.then(Reply(WORDS, tools=(("roll_dice", {"dice": WORDS}),)), Reply(WORDS))
        await scene.say(WORDS)
        await moderators.save_settings(GuildSettings(CLUB, summary=True), 9)
        for _ in range(4):
            await scene.say(f"{WORDS} " + "word " * 40)
        await moderators.save_settings(GuildSettings(CLUB, words_refused=(WORDS,)), 9)
        with pytest.raises(ContentRefused) as refused:
            await scene.say(WORDS)
        failures.append(refused.value)
        if kind == "sqlite":
            thief = Thief(Path(scene.database.place.removeprefix("sqlite+aiosqlite:///")).parent)
            await scene.say("and this", guild=0)
            thief.give_back()
        await scene.dialogue.personas.save(ANNA, CLUB, "P", WORDS)
        await scene.dialogue.privacy.export(ANNA, "en-US")
        if busy := scene.dialogue.responder.busy:
            await asyncio.wait(busy)
        await scene.dialogue.privacy.forget(ANNA)
        for error in failures:
            assert error is not None
            # Chained causes are the client's and may quote: they are not what is logged or shown.
            bare = traceback.format_exception(error, chain=False)
            assert WORDS not in "".join(bare) + repr(error)
    assert log.getvalue()
    assert WORDS not in log.getvalue()
    assert KEY not in log.getvalue()


async def test_records_do_not_show_what_they_hold(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        heard = await scene.say(WORDS, images=(Image("image/png", WORDS.encode()),))
        recent = await scene.database.turns.recent(ANNA, CLUB, budget_tokens=1000)
        view = await scene.dialogue.responder.memory_view(ANNA, CLUB, 1)
        persona = await scene.dialogue.personas.save(ANNA, CLUB, "P", WORDS)
        shown = repr((heard.answer, heard.answer.ask, recent, view, persona, heard.answer._opened))
        assert WORDS not in shown


async def test_the_key_is_shown_nowhere(tmp_path: Path) -> None:
    model = ModelSettings(api_key=SecretStr(KEY))
    settings = DialogueSettings(model=model)
    assert KEY not in repr(settings) + str(settings)
    async with open_scene(tmp_path) as scene:
        scene.endpoint.then(REFUSALS["authentication"])
        heard = await scene.say("hello")
        assert heard.error is not None
        whole = "".join(traceback.format_exception(heard.error))
        chat = await scene.dialogue.model.chat()
        assert KEY not in whole + repr(chat) + repr(scene.dialogue)
    async with open_model_server() as server:
        key = server.api_key.get_secret_value()
        assert key not in repr(server) + repr(vars(server))


async def test_conversations_are_traced_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "none")
    get_env_var.cache_clear()
    async with open_scene(tmp_path) as scene:
        assert not tracing_is_enabled()
        assert (await scene.say("hello")).text
