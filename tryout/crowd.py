"""Members who act by themselves: they come, ask for a voice session, wait, talk and leave.

With more of them than voice slots the house is full, so that the line, the warning and the
hand-over can be watched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

from sandbox.actor import Actor
from sandbox.errors import SandboxError
from sandbox.records import Channel, Guild
from sandbox.server import Sandbox
from tryout.scene import words_option

NAMES = (
    "amber", "bruno", "chika", "dario", "elif", "farid", "greta", "hugo", "ines", "jonas",
    "kaya", "liam", "mona", "nils", "oona", "pablo", "quinn", "rosa", "sami", "tove",
)  # fmt: skip
QUESTIONS = ("Tell me one fact about the sea.", "What is a lighthouse for?", "Good evening!")
BETWEEN_S = 0.8
ROUNDS = 2
PAUSE_S = 5.0
"""About how long each of them lets pass between two deeds."""


class Crowd:
    """The scripted members of one server. ``people`` grows with them: one may act as any."""

    def __init__(self, sandbox: Sandbox, guild: Guild, voice: Channel, people: list[Actor]) -> None:
        self._sandbox = sandbox
        self._guild = guild
        self._voice = voice
        self._people = people
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(7)
        self._count = 0

    async def add(self, count: int = 10) -> str:
        """Let more members come, one after the other; a sentence about it."""
        newcomers = [self._newcomer() for _ in range(count)]
        for number, actor in enumerate(newcomers):
            self._spawn(self._live(actor, number * BETWEEN_S, talks=number < ROUNDS))
        return f"{count} members come to {self._voice.name} and ask for a voice session."

    async def close(self) -> None:
        """Everybody stops where they are."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _newcomer(self) -> Actor:
        turn, index = divmod(self._count, len(NAMES))
        self._count += 1
        name = NAMES[index] + (str(turn + 1) if turn else "")
        actor = self._sandbox.add_member(self._guild, name)
        self._people.append(actor)
        return actor

    async def _live(self, actor: Actor, after_s: float, *, talks: bool) -> None:
        """Come, queue; who got in talks or stays idle until Parley ends it; then go home."""
        await asyncio.sleep(after_s)
        try:
            await actor.join_voice(self._voice)
            await actor.command("voice join")
            for _ in range(ROUNDS if talks else 0):
                await self._pause()
                offer = next(o for o in actor.offers() if o.path == "chat")
                question = self._random.choice(QUESTIONS)
                await actor.command("chat", given={words_option(offer): question})
            await self._pause()
            await self._pause()
            if talks:
                await actor.command("voice leave")
                await actor.leave_voice()
        except (SandboxError, StopIteration):
            # The bot may be offline, or the member thrown out: then they do nothing more.
            return

    async def _pause(self) -> None:
        await asyncio.sleep(PAUSE_S * self._random.uniform(0.5, 1.5))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
