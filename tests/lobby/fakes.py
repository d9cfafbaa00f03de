"""Stand-ins for everything around the lobby: Discord, the store, and time itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace

from lobby.ports import VoiceFailed
from lobby.records import Books, Deed, Entry, Notice, NoticeKind, Post, TrailLine, Why
from lobby.store import Decide, LobbyStore
from storage.errors import StorageUnreachable
from storage.lobby_records import Change

_ROUNDS = 60
"""Turns of the event loop after which nothing of ours is still running."""


async def quiet() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


class VirtualClock:
    """Steady time that passes only in ``advance``."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def steady_s(self) -> float:
        return self._now_s

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> bool:
        if timeout_s is None:
            return await event.wait()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._now_s + timeout_s, over)
        self._sleepers.append(entry)
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({waiting, over}, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            waiting.cancel()
            self._sleepers.remove(entry)

    async def advance(self, by_s: float) -> None:
        """Let time pass; whoever waits for a moment in between wakes at that moment."""
        end_s = self._now_s + by_s
        await quiet()
        while due := [entry for entry in self._sleepers if entry[0] <= end_s]:
            at_s, over = min(due, key=lambda entry: entry[0])
            self._now_s = max(self._now_s, at_s)
            if not over.done():
                over.set_result(None)
            await quiet()
        self._now_s = end_s
        await quiet()


class MemoryStore:
    """The books in memory. ``jump_s`` sets its clock, as a hand or NTP would."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.jump_s = 1_700_000_000.0
        self.books = Books({}, {}, {}, {}, 1, 1, 0.0, 0.0)
        self.lines: list[TrailLine] = []
        self.posts: list[Post] = []
        self._next_id = 1
        self._bells: set[asyncio.Event] = set()

    async def transact(self, process: str, decide: Decide) -> tuple[Post, ...]:
        await asyncio.sleep(0)  # others may come first, as they may with a database
        entry: Entry = decide(self.books, self._clock.steady_s() + self.jump_s)
        self.books = replace(entry.books, places=dict(entry.books.places))
        self.lines += [replace(line, id=self._number()) for line in entry.trail]
        mine = tuple(post for post in self.posts if post.process == process)
        self.posts = [post for post in self.posts if post.process != process]
        self.posts += [replace(post, id=self._number()) for post in entry.posts]
        for bell in self._bells:
            bell.set()
        await asyncio.sleep(0)
        return mine

    async def read(self) -> Books:
        await asyncio.sleep(0)
        return self.books

    async def changes(self, process: str, *, poll_s: float) -> AsyncGenerator[Change, None]:
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            while True:
                bell.clear()
                posts = any(post.process == process for post in self.posts)
                yield Change(self.books.version, posts)
                await bell.wait()
        finally:
            self._bells.discard(bell)

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        await asyncio.sleep(0)
        ended = [line for line in self.lines if line.deed is Deed.RELEASED and line.held_s > 0]
        return tuple(line.held_s for line in reversed(ended[-count:]))

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        await asyncio.sleep(0)
        found = [
            line
            for line in self.lines
            if line.id > after_id
            and person_id in (0, line.person_id)
            and guild_id in (0, line.guild_id)
        ]
        return tuple(found[:limit])

    async def prune(self, before_s: float) -> int:
        await asyncio.sleep(0)
        kept = [line for line in self.lines if line.at_s >= before_s]
        gone, self.lines = len(self.lines) - len(kept), kept
        return gone

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id - 1


class Cable:
    """A store that can be unplugged: to the others, a process without it is dead."""

    def __init__(self, store: LobbyStore) -> None:
        self._store = store
        self.plugged = True

    async def transact(self, process: str, decide: Decide) -> tuple[Post, ...]:
        self._check()

        def checked(books: Books, database_s: float) -> Entry:
            self._check()
            return decide(books, database_s)

        return await self._store.transact(process, checked)

    async def read(self) -> Books:
        self._check()
        return await self._store.read()

    async def changes(self, process: str, *, poll_s: float) -> AsyncGenerator[Change, None]:
        self._check()
        async for change in self._store.changes(process, poll_s=poll_s):
            self._check()
            yield change

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        self._check()
        return await self._store.session_lengths(count)

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        self._check()
        return await self._store.trail(
            person_id=person_id, guild_id=guild_id, after_id=after_id, limit=limit
        )

    async def prune(self, before_s: float) -> int:
        self._check()
        return await self._store.prune(before_s)

    def _check(self) -> None:
        if not self.plugged:
            raise StorageUnreachable("unplugged")


@dataclass
class FakeVoice:
    """Parley's voice connections. Complains of whatever a lobby must never ask for."""

    at: dict[int, int] = field(default_factory=dict)
    log: list[tuple[str, int, int]] = field(default_factory=list)
    broken: dict[int, Why] = field(default_factory=dict)
    """Channels that cannot be entered, and why."""
    hold: asyncio.Event | None = None
    """While it is there and not set, connections do not come about."""
    busy: set[int] = field(default_factory=set)
    told: Callable[[str], None] = lambda _: None

    async def connect(self, guild_id: int, channel_id: int) -> None:
        await self._go("connect", guild_id, channel_id)

    async def move(self, guild_id: int, channel_id: int) -> None:
        await self._go("move", guild_id, channel_id)

    async def leave(self, guild_id: int) -> None:
        self._note("leave", guild_id, 0)
        assert guild_id not in self.busy, "two things at once in one server"
        self.at.pop(guild_id, None)

    async def silence(self, guild_id: int, person_id: int) -> None:
        self._note("silence", guild_id, person_id)

    def where(self, guild_id: int) -> int:
        return self.at.get(guild_id, 0)

    async def _go(self, name: str, guild_id: int, channel_id: int) -> None:
        self._note(name, guild_id, channel_id)
        assert guild_id not in self.busy, "two things at once in one server"
        self.busy.add(guild_id)
        try:
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(0)
            if channel_id in self.broken:
                self.at.pop(guild_id, None)
                raise VoiceFailed(self.broken[channel_id])
            self.at[guild_id] = channel_id
        finally:
            self.busy.discard(guild_id)

    def _note(self, name: str, guild_id: int, other_id: int) -> None:
        self.log.append((name, guild_id, other_id))
        self.told(f"voice: {name} server {guild_id} {other_id}")


@dataclass
class FakeNotices:
    """What people were told, in order."""

    log: list[Notice] = field(default_factory=list)
    pings: list[Notice] = field(default_factory=list)
    told: Callable[[str], None] = lambda _: None

    async def tell(self, notice: Notice) -> None:
        self.log.append(notice)
        why = f" ({notice.why})" if notice.why else ""
        self.told(f"told {notice.person_id}: {notice.kind}{why}")

    async def ping(self, notice: Notice) -> None:
        self.pings.append(notice)
        await self.tell(notice)

    def kinds(self, person_id: int) -> list[NoticeKind]:
        """What one person was told, in order."""
        return [notice.kind for notice in self.log if notice.person_id == person_id]
