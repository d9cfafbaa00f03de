"""The lobby: join and leave, alone and in a race; from a slot freeing to the next first sound.

Every figure of a database is a whole transition: decided, on the disk (SQLite syncs, PostgreSQL
commits), told to other processes. ``race`` is 5 processes with 50 people each who all ask within a
second, so what they wait for is mostly each other.

``heard`` is the real bot before members of a sandbox, with one slot: from sending ``/voice leave``
until Parley enters the channel of the next in another server, until it has told them so (the voice
connection is made), and until they hear the first sound of what they say at once with ``/say``.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.stage import Member, have_session, move_in, start_bot
from lobby.director import Director
from lobby.settings import LobbySettings
from sandbox.records import Message
from sandbox.server import Sandbox, open_sandbox
from storage.database import open_database
from tests.lobby.crowd import race
from tests.lobby.fakes import FakeNotices, FakeVoice
from tests.support.databases import KINDS, url_for
from tryout import scene

WORDS = "Here I am."
TURN_S = 30.0
WAITING = 100
"""People in the line where it says "busy"."""


class Arrivals(FakeVoice):
    """A voice port that says when it was asked to connect."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.asked_s = 0.0

    async def connect(self, guild_id: int, channel_id: int) -> None:
        self.asked_s = time.perf_counter()
        self.asked.set()
        await super().connect(guild_id, channel_id)


async def _open(
    stack: AsyncExitStack, url: str, process: str, guild_id: int, settings: LobbySettings
) -> tuple[Director, Arrivals]:
    database = await stack.enter_async_context(open_database(url))
    voice = Arrivals()
    director = Director(database.lobby, voice, FakeNotices(), settings, process=process)
    await stack.enter_async_context(director)
    await director.ready({guild_id: {}})
    return director, voice


async def _alone(url: str, rounds: int, waiting: int) -> dict[str, harness.Spread]:
    """One person at a time, with ``waiting`` others in the line."""
    async with AsyncExitStack() as stack:
        settings = LobbySettings(slots=1 if waiting else 10)
        director, _ = await _open(stack, url, "alone", 100, settings)
        for person in range(waiting + bool(waiting)):
            await director.join(1000 + person, 100, 101)
        join_ms, leave_ms = [], []
        for _ in range(rounds):
            begun = time.perf_counter()
            await director.join(1, 100, 101)
            asked = time.perf_counter()
            await director.leave(1)
            join_ms.append((asked - begun) * 1000)
            leave_ms.append((time.perf_counter() - asked) * 1000)
            await director.settled()
    return {"join": harness.Spread.of(join_ms, "ms"), "leave": harness.Spread.of(leave_ms, "ms")}


async def _next(url: str, rounds: int, processes: int) -> harness.Spread:
    """From somebody leaving to Parley being told to join the next, perhaps in another process."""
    async with AsyncExitStack() as stack:
        settings = LobbySettings(slots=1)
        one = await _open(stack, url, "one", 100, settings)
        two = one if processes == 1 else await _open(stack, url, "two", 200, settings)
        taken_ms = []
        for _ in range(rounds):
            await one[0].join(1, 100, 101)
            await one[0].settled()
            await two[0].join(2, 200, 201)
            two[1].asked.clear()
            begun = time.perf_counter()
            await one[0].leave(1)
            await two[1].asked.wait()
            taken_ms.append((two[1].asked_s - begun) * 1000)
            await two[0].settled()
            await two[0].leave(2)
            await two[0].settled()
    return harness.Spread.of(taken_ms, "ms")


async def _heard(rounds: int) -> dict[str, harness.Spread]:
    """Two members of two servers take turns; each waits for the other to leave."""
    taken: dict[str, list[float]] = {"joined": [], "told": [], "sound": []}
    async with open_sandbox() as sandbox:
        holder, waiter = move_in(sandbox, 0), move_in(sandbox, 1)
        async with start_bot(sandbox, PARLEY_LOBBY__SLOTS="1"):
            await have_session(sandbox, holder)
            await _say(sandbox, holder)  # the voice is opened
            await waiter.actor.join_voice(waiter.lounge)
            for _ in range(rounds):
                for name, at_s in (await _turn(sandbox, holder, waiter)).items():
                    taken[name].append(at_s * 1000)
                holder, waiter = waiter, holder
    return {name: harness.Spread.of(found, "ms") for name, found in taken.items()}


async def _turn(sandbox: Sandbox, holder: Member, waiter: Member) -> dict[str, float]:
    """Seconds after ``holder`` began to leave until each thing happened to ``waiter``."""
    asked = await waiter.actor.command("voice join")
    await sandbox.until(lambda: [m for m in asked.messages if not m.loading], TURN_S)
    before = len(_told(sandbox, waiter))
    freed_s = sandbox.clock.real_s()
    await holder.actor.command("voice leave", wait=False)
    await sandbox.until(lambda: sandbox.bot.id in waiter.guild.voice_states, TURN_S)
    joined_s = sandbox.clock.real_s() - freed_s
    await sandbox.until(lambda: len(_told(sandbox, waiter)) > before, TURN_S)
    told_s = sandbox.clock.real_s() - freed_s
    sound_s = await _say(sandbox, waiter) - freed_s
    return {"joined": joined_s, "told": told_s, "sound": sound_s}


def _told(sandbox: Sandbox, member: Member) -> list[Message]:
    """What Parley said to somebody in their server's channel, for everybody to see."""
    found = sandbox.messages(sandbox.channel(member.guild, "general"), by=sandbox.bot)
    return [message for message in found if not message.ephemeral]


async def _say(sandbox: Sandbox, member: Member) -> float:
    """Have something said and hear it to its end; when its first sound arrived."""
    hearing = member.actor.heard(member.guild)
    known = len(hearing.frames)
    await member.actor.command("say", text=WORDS, wait=False)
    await scene.until_quiet(sandbox, hearing, TURN_S, known=known)
    return next(frame.arrived_s for frame in hearing.frames[known:] if not frame.silence)


async def _measure(quick: bool) -> dict[str, Any]:
    rounds = 40 if quick else 400
    result: dict[str, Any] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            raced = await race(
                url_for(kind, place), processes=5, people=10 if quick else 50, kill=False
            )
            result[kind] = {
                "alone": await _alone(url_for(kind, place), rounds, 0),
                "busy": await _alone(url_for(kind, place), rounds, WAITING),
                "race": {
                    word: harness.Spread.of(
                        [s * 1000 for each in raced.results for s in each[f"{word}_s"]], "ms"
                    )
                    for word in ("join", "leave")
                },
                "race_transitions_per_s": raced.versions / raced.seconds,
                "next": await _next(url_for(kind, place), rounds // 4, 1),
                "next_elsewhere": await _next(url_for(kind, place), rounds // 4, 2),
            }
    return {"databases": result, "heard": await _heard(4 if quick else 30)}


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure, print and save ``lobby.json``."""
    result = asyncio.run(_measure(quick))
    rows: list[list[object]] = [["database", "what", "p50 ms", "p99 ms", "runs"]]
    for kind, found in result["databases"].items():
        for name in ("alone", "busy", "race"):
            for word, spread in found[name].items():
                rows.append([kind, f"{word}, {name}", spread.median, spread.p99, spread.runs])
        for name, label in (("next", "slot frees to next joined"),
                            ("next_elsewhere", "the same, in another process")):  # fmt: skip
            rows.append([kind, label, found[name].median, found[name].p99, found[name].runs])
    for name, label in (
        ("joined", "slot frees to Parley in the next channel"),
        ("told", "slot frees to connected and told"),
        ("sound", "slot frees to the first sound of the next"),
    ):
        spread = result["heard"][name]
        rows.append(["(real voice)", label, spread.median, spread.p99, spread.runs])
    print(harness.table("Lobby", rows))
    harness.save(out_dir, "lobby", result)
    return result
