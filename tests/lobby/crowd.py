"""A crowd for races: one process of several that share a database, and the people in its servers.

    python -m tests.lobby.crowd URL INDEX PEOPLE SEED

Everybody asks once, waits for their turn, comes if they are called, speaks for a moment and leaves.
Prints ``ready`` when it may be told to begin (a line on stdin), ``done`` and a line of JSON when
everybody was served, and leaves when stdin ends. ``race`` starts several, kills one of them, and
counts the audit trail.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lobby.director import Director
from lobby.errors import LobbyError
from lobby.records import Deed, Notice, NoticeKind, Stage, TrailLine, Why
from lobby.settings import LobbySettings
from storage.database import Database, open_database
from tests.lobby.fakes import FakeVoice
from tests.lobby.invariants import Count

ROOT = Path(__file__).parents[2]
SLOTS = 10
SERVERS = 5
"""Of each process."""
SHARED = range(9001, 9006)
"""People who ask in every process."""
SETTINGS = LobbySettings(
    slots=SLOTS,
    line_most=1000,
    claim_s=20.0,
    resume_s=2.0,
    heartbeat_s=1.0,
    lease_s=6.0,
    poll_s=0.05,
)


class Ears:
    """Wakes whoever is told something, and counts what each was told."""

    def __init__(self) -> None:
        self.news: dict[int, asyncio.Event] = {}
        self.told: Counter[tuple[int, NoticeKind]] = Counter()

    async def tell(self, notice: Notice) -> None:
        self.told[notice.person_id, notice.kind] += 1
        self.news.setdefault(notice.person_id, asyncio.Event()).set()

    async def ping(self, notice: Notice) -> None:
        await self.tell(notice)

    async def wait(self, person: int) -> None:
        event = self.news.setdefault(person, asyncio.Event())
        await event.wait()
        event.clear()


class Crowd:
    """The people of one process."""

    def __init__(self, director: Director, ears: Ears, index: int, seed: int) -> None:
        self.director = director
        self.ears = ears
        self.index = index
        self.dice = random.Random(seed * 100 + index)
        self.join_s: list[float] = []
        self.leave_s: list[float] = []
        self.served = 0

    async def person(self, person: int, spread_s: float) -> None:
        guild = (self.index + 1) * 1000 + self.dice.randrange(SERVERS) * 100
        channel = guild + 1
        there = self.dice.random() < 0.8
        hold_s = self.dice.uniform(0.01, 0.1)
        await asyncio.sleep(self.dice.uniform(0, spread_s))
        began_s = time.perf_counter()
        try:
            standing = await self.director.join(person, guild, channel if there else 0)
        except LobbyError:
            if person in SHARED:
                return  # they speak, or wait, in another process
            raise
        self.join_s.append(time.perf_counter() - began_s)
        if standing.guild_id != guild:
            return
        while not self.director.may_speak(person, guild):
            if self.director.standing(person).stage is Stage.CALLED:
                await self.director.voice_state(person, guild, channel)
                continue
            if person in SHARED and self.director.standing(person).guild_id != guild:
                return  # they asked elsewhere since
            await self.ears.wait(person)
            if self.ears.told[person, NoticeKind.ENDED] and person in SHARED:
                return
        await self.director.touch(person, guild)
        await asyncio.sleep(hold_s)
        began_s = time.perf_counter()
        with suppress(LobbyError):  # a machine that stalled longer than the lease released them
            await self.director.leave(person)
        self.leave_s.append(time.perf_counter() - began_s)
        self.served += 1


async def main(url: str, index: int, people: int, seed: int) -> None:
    ears = Ears()
    process = f"p{index}"
    async with open_database(url) as database:
        director = Director(database.lobby, FakeVoice(), ears, SETTINGS, process=process)
        async with director:
            guilds = [(index + 1) * 1000 + n * 100 for n in range(SERVERS)]
            await director.ready({guild: {} for guild in guilds})
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            crowd = Crowd(director, ears, index, seed)
            mine = [(index + 1) * 1000 + n for n in range(people)]
            async with asyncio.TaskGroup() as group:
                for person in mine:
                    group.create_task(crowd.person(person, 1.0))
                group.create_task(_shared(crowd))
            twice = [key for key, n in ears.told.items() if n > 1 and key[0] not in SHARED]
            result = {
                "served": crowd.served,
                "told_twice": len(twice),
                "join_s": crowd.join_s,
                "leave_s": crowd.leave_s,
            }
            print("done", json.dumps(result), flush=True)
            await asyncio.to_thread(sys.stdin.read)


async def _shared(crowd: Crowd) -> None:
    """They take no part in the counting of who was served: they may be served elsewhere."""
    asking = [asyncio.create_task(crowd.person(person, 0.5)) for person in SHARED]
    await asyncio.sleep(3.0)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


@dataclass
class Outcome:
    """What a race came to."""

    count: Count
    results: list[dict[str, Any]]
    """Of the processes that lived."""
    lines: tuple[TrailLine, ...]
    seconds: float
    versions: int
    """How many transitions the books went through."""


async def race(url: str, *, processes: int, people: int, kill: bool, seed: int = 1) -> Outcome:
    """Run it. With ``kill``, process 0 gets SIGKILL in the middle. Raises ``AssertionError``."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(url))
        running = []
        for index in range(processes):
            program = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.lobby.crowd", url, str(index), str(people), str(seed),
                cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            stack.push_async_callback(_end, program)
            running.append(program)
        for program in running:
            assert await _line(program) == "ready"
        began_s = time.perf_counter()
        for program in running:
            _in(program).write(b"go\n")
        victim = running.pop(0) if kill else None
        if victim is not None:
            await _in_the_middle(database, index=0)
            victim.kill()
        results = []
        for program in running:
            word, _, result = (await _line(program)).partition(" ")
            assert word == "done", "somebody was never served"
            results.append(json.loads(result))
        seconds = time.perf_counter() - began_s
        if victim is not None:
            await _nobody_left_of(database, index=0)
        for program in running:
            _in(program).close()
            assert await program.wait() == 0
        lines = await _whole_trail(database)
        books = await database.lobby.read()
    count = Count(SLOTS).read(lines)
    count.agrees_with(books.places)
    _in_order(lines, {0} if kill else set())
    return Outcome(count, results, lines, seconds, books.version)


def _in_order(lines: tuple[TrailLine, ...], killed: set[int]) -> None:
    """No turn went past somebody who could have used it. All can, but for a killed process's."""
    asked: dict[int, TrailLine] = {}
    waiting: set[int] = set()
    for line in lines:
        person = line.person_id
        if line.deed is Deed.QUEUED:
            asked[person] = line
            waiting.add(person)
        elif line.deed in (Deed.CALLED, Deed.ADMITTED) and line.why == Why.TURN:
            passed = [
                other
                for other in waiting - set(SHARED)
                if asked[other].ticket < line.ticket
                and asked[other].guild_id // 1000 - 1 not in killed
            ]
            assert not passed, f"{person} passed {passed}"
            waiting.discard(person)
        elif line.deed is Deed.RELEASED and line.why in (Why.OTHER_CHANNEL, Why.AWAY):
            if not line.held_s:
                waiting.add(person)  # they were called, and keep their place
        elif line.deed is Deed.LEFT_LINE:
            waiting.discard(person)


async def _whole_trail(database: Database) -> tuple[TrailLine, ...]:
    return await database.lobby.trail(limit=1_000_000)


async def _in_the_middle(database: Database, index: int) -> None:
    """Wait until a process has people who speak, and more who wait, in a house that is full."""
    async with aclosing(database.lobby.changes("onlooker", poll_s=0.02)) as changes:
        async for _ in changes:
            places = (await database.lobby.read()).places.values()
            stages = [p.stage for p in places if p.guild_id // 1000 - 1 == index]
            full = sum(place.stage is not Stage.WAITING for place in places) == SLOTS
            if full and Stage.HELD in stages and stages.count(Stage.WAITING) >= SLOTS:
                return


async def _nobody_left_of(database: Database, index: int) -> None:
    """Wait until the sessions of a killed process are free."""
    async with aclosing(database.lobby.changes("onlooker", poll_s=0.05)) as changes:
        async for _ in changes:
            places = (await database.lobby.read()).places.values()
            theirs = [p for p in places if p.guild_id // 1000 - 1 == index]
            if all(place.stage is Stage.WAITING for place in theirs):
                return


def _in(program: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    assert program.stdin is not None
    return program.stdin


async def _line(program: asyncio.subprocess.Process) -> str:
    assert program.stdout is not None
    return (await program.stdout.readline()).decode().strip()


async def _end(program: asyncio.subprocess.Process) -> None:
    if program.returncode is None:
        program.kill()
        await program.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
