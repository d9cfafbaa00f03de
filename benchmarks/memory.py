"""What remembering costs each message (window, save, quota), against a bare LangChain stream.

The endpoint is a process of its own that answers at once, so what is left is our own time. The same
messages are streamed bare and answered through Parley; and all of it beside a second store with
a million turns, half of them the same person's, older than the window. Everything is done in turn,
so that whatever else the machine does touches all of it alike.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import SecretStr
from sqlalchemy import text

from benchmarks import harness
from dialogue.ask import Ask
from dialogue.memory import Look
from dialogue.prompt import messages
from dialogue.service import Dialogue, open_dialogue
from dialogue.settings import DialogueSettings, ModelSettings
from storage.database import Database, open_database
from storage.records import NewTurn, Usage
from tests.support.databases import KINDS, url_for

PERSON, OTHER, GUILD, CHANNEL = 1, 2, 3, 4
QUESTION = "What does the harbour look like today, and who is down there at this hour?"
TURN = "The tide is low this morning, and the boats lie on the sand. " * 8
RECENT = 30
MANY = 1_000_000
ALLOWED = 1.2
"""A million turns may change the median by a fifth."""

_MANY = """
    INSERT INTO turns (person_id, guild_id, channel_id, asked, answered, asked_tokens,
        answered_tokens, encoding, complete, pinned, at_s, since_id)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :turns)
    SELECT CASE WHEN i % 2 = 0 THEN :person ELSE :other + i % 5000 END, :guild, 4, :said, :said,
        120, 120, 'o200k_base', :true, :false, i, 0
    FROM n
"""


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure on SQLite and PostgreSQL; print and save."""
    rounds, many = (30, 20_000) if quick else (300, MANY)
    result: dict[str, Any] = {"machine": harness.machine(), "turns": many}
    rows: list[tuple[object, ...]] = [("store", "history", "what", "p50 ms", "p99 ms")]
    for kind in KINDS:
        result[kind] = asyncio.run(_measured(kind, rounds, many))
        for history, figures in result[kind].items():
            for what, spread in figures.items():
                rows.append((kind, history, what, spread.median, spread.p99))
    print(harness.table("Memory, for each message", rows))
    for kind in KINDS:
        few, lots = (result[kind][history]["memory"].median for history in result[kind])
        verdict = "holds" if lots <= few * ALLOWED else "DOES NOT HOLD"
        print(
            f"{kind}: {many} turns change memory by {lots / few - 1:+.0%}: under a fifth {verdict}"
        )
    harness.save(out_dir, "memory", result)
    return result


async def _measured(kind: str, rounds: int, many: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            base_url = await stack.enter_async_context(_endpoint())
            model = ModelSettings(base_url=base_url, api_key=SecretStr("none"), retries=0)
            talks: dict[str, _Talk] = {}
            for history, turns in (("short", 0), (f"{many} turns", many)):
                url = url_for(kind, Path(folder))
                database = await stack.enter_async_context(open_database(url))
                dialogue = await stack.enter_async_context(
                    open_dialogue(DialogueSettings(model=model), database, cache=Path(folder))
                )
                await _live(database, turns)
                talks[history] = _Talk(dialogue, database)
            for number in range(-5, rounds):
                for talk in talks.values():
                    await talk.round(counts=number >= 0)
            return {history: talk.spreads() for history, talk in talks.items()}


@asynccontextmanager
async def _endpoint() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.endpoint", stdout=subprocess.PIPE, cwd=harness.ROOT
    )
    if process.stdout is None:
        raise RuntimeError("a pipe was asked for")
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def _live(database: Database, turns: int) -> None:
    """A history of so many turns, and then the recent ones that fill the window."""
    await database.turns.clear(PERSON, GUILD)
    if turns:
        values: dict[str, Any] = {"turns": turns, "person": PERSON, "other": OTHER, "guild": GUILD}
        values |= {"said": TURN[:61], "true": True, "false": False}
        async with database.writing() as connection:
            await connection.execute(text(_MANY), values)
        async with database.outside_transactions() as connection:
            await connection.execute(text("ANALYZE"))
    epoch = (await database.turns.recent(PERSON, GUILD, budget_tokens=1)).epoch
    for _ in range(RECENT):
        await database.turns.save(_turn(), epoch=epoch)


def _turn() -> NewTurn:
    return NewTurn(
        PERSON, GUILD, CHANNEL, TURN, TURN, 120, 120, "o200k_base", complete=True, at_s=time.time()
    )


class _Talk:
    """One store, and what was measured on it."""

    def __init__(self, dialogue: Dialogue, database: Database) -> None:
        self._dialogue = dialogue
        self._database = database
        self._ask = Ask(PERSON, GUILD, CHANNEL, "Anna", QUESTION)
        self._taken_ms: dict[str, list[float]] = {}

    def spreads(self) -> dict[str, harness.Spread]:
        return {what: harness.Spread.of(taken, "ms") for what, taken in self._taken_ms.items()}

    async def round(self, *, counts: bool) -> None:
        """Each thing once; the memory is the same after it."""
        sent = messages((await self._look()).window)
        for what, work in (
            ("bare stream", lambda: self._bare(sent)),
            ("whole answer", self._whole),
            ("memory", self._memory),
        ):
            begun = time.perf_counter()
            await work()
            if counts:
                self._taken_ms.setdefault(what, []).append((time.perf_counter() - begun) * 1000)
            if what != "bare stream":
                await self._dialogue.memory.undo(PERSON, GUILD)

    async def _bare(self, sent: list[BaseMessage]) -> None:
        async for _ in (await self._dialogue.model.chat()).astream(sent):
            pass

    async def _whole(self) -> None:
        async with self._dialogue.responder.answer(self._ask) as answer:
            seen = "".join([piece async for piece in answer])
            await answer.settle(seen, complete=True)

    async def _memory(self) -> None:
        async with self._database.reading():
            await self._dialogue.quotas.allowance(PERSON, GUILD)
            look = await self._look()
        async with self._database.writing():
            await self._dialogue.memory.save(_turn(), epoch=look.epoch)
            await self._database.quotas.add(PERSON, GUILD, Usage("2026-01-01", 100, 100))

    async def _look(self) -> Look:
        return await self._dialogue.memory.look(PERSON, GUILD, system="Be kind.", message=QUESTION)
