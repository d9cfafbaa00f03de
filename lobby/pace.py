"""Time that can be hurried, so that the lobby's waiting can be watched in a tryout.

Five minutes of silence are long to look at. With a ``Pace`` for its clock and a ``PacedStore``
around its books the lobby lives ``factor`` seconds in each real one: sessions grow idle, are
warned and end, turns are called and missed, in the proportions of a real evening. Nothing else in
Parley is hurried: sound, Discord's deadlines and the model keep real time. ``bot.py`` makes one
only where Parley is not on Discord itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import IO

from lobby.store import Decide, LobbyStore
from storage.lobby_records import Books, Change, Entry, Post, TrailLine


class Pace:
    """A steady clock (``lobby.clock.Clock``) that runs ``factor`` times as fast as the real one."""

    def __init__(self) -> None:
        self._factor = 1.0
        self._ahead_s = 0.0
        self._since_s = time.monotonic()
        self._turned = asyncio.Event()

    @property
    def factor(self) -> float:
        """Lobby seconds in a real second."""
        return self._factor

    def hurry(self, factor: float) -> None:
        """From now on; whoever waits, waits as much less. Raises ValueError below 1."""
        if not factor >= 1:
            raise ValueError("waiting can be hurried, not stretched")
        self._ahead_s, self._since_s = self.ahead_s, time.monotonic()
        self._factor = factor
        self._turned.set()
        self._turned = asyncio.Event()

    @property
    def ahead_s(self) -> float:
        """How far this clock is ahead of the real one; never less than before."""
        return self._ahead_s + (time.monotonic() - self._since_s) * (self._factor - 1)

    def steady_s(self) -> float:
        return time.monotonic() + self.ahead_s

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> bool:
        if timeout_s is None:
            return await event.wait()
        until_s = self.steady_s() + timeout_s
        while not event.is_set() and (left_s := until_s - self.steady_s()) > 0:
            waiting = [asyncio.ensure_future(each.wait()) for each in (event, self._turned)]
            try:
                await asyncio.wait(
                    waiting,
                    timeout=left_s / self._factor,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                for each in waiting:
                    each.cancel()
        return event.is_set()

    async def follow(self, lines: IO[bytes]) -> None:
        """Take each line of a pipe as the new factor, until its other end is closed."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), lines)
        try:
            while line := await reader.readline():
                self.hurry(float(line))
        finally:
            pipe.close()


class PacedStore:
    """The lobby's books, whose clock is as far ahead as ``pace``."""

    def __init__(self, store: LobbyStore, pace: Pace) -> None:
        self._store = store
        self._pace = pace

    async def transact(self, process: str, decide: Decide) -> tuple[Post, ...]:
        def ahead(books: Books, database_s: float) -> Entry:
            return decide(books, database_s + self._pace.ahead_s)

        return await self._store.transact(process, ahead)

    async def read(self) -> Books:
        return await self._store.read()

    def changes(self, process: str, *, poll_s: float) -> AsyncGenerator[Change, None]:
        return self._store.changes(process, poll_s=poll_s)

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        return await self._store.session_lengths(count)

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        return await self._store.trail(
            person_id=person_id, guild_id=guild_id, after_id=after_id, limit=limit
        )

    async def prune(self, before_s: float) -> int:
        return await self._store.prune(before_s)
