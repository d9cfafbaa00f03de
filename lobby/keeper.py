"""Keeps the books for one process: transactions, its heartbeat, its alarms, news from others.

One loop waits for the next alarm or heartbeat, one for the end of the lease, two for what other
processes do. All waiting goes through ``Clock``, so that tests run it in virtual time.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from lobby import codec
from lobby.clock import Clock, reckon
from lobby.estimate import RECENT
from lobby.hall import SESSION, Hall
from lobby.records import (
    Books,
    Deeds,
    Effect,
    Entry,
    Event,
    Heartbeat,
    Post,
    Ready,
    Refuse,
    Silence,
    Started,
    Tell,
    Tick,
    TrailLine,
    Unready,
)
from lobby.rules import Lobby
from lobby.settings import LobbySettings
from lobby.store import LobbyStore
from storage.errors import StorageError

_log = logging.getLogger(__name__)

STALE_S = 3600.0
"""News for people that waited longer than this for a process to come back is no news."""
TRAIL_KEPT_S = 90 * 86400.0
_PRUNE_EVERY_S = 86400.0
RETRY_S = 1.0
_LOOK_S = 0.25
_AFTER_S = 0.01
"""An alarm rings a little late rather than a little early: clocks are rounded."""


class Fenced(Exception):
    """Another process of the same name started after this one: this one must be silent."""


@dataclass(slots=True)
class _Decision:
    """What one transaction decided."""

    lobby: Lobby
    version: int
    now_s: float
    mine: list[Deeds]
    renewed: bool
    """Whether the lease was."""
    refusal: Refuse | None


class Keeper:
    """The books, as this process last saw them, and the only way to change them."""

    def __init__(
        self,
        store: LobbyStore,
        settings: LobbySettings,
        process: str,
        clock: Clock,
        perform: Callable[[list[Deeds]], None],
    ) -> None:
        self.process = process
        self.fenced = False
        self.sighted = False
        """Whether this process sees Discord."""
        self.hall = Lobby(settings, Books({}, {}, {}, {}, 1, 0, 0.0, 0.0), process)
        self.version = 0
        self.lengths_s: tuple[float, ...] = ()
        self._store = store
        self._settings = settings
        self._clock = clock
        self._perform = perform
        self.incarnation = secrets.token_hex(8)
        self._lock = asyncio.Lock()
        self._wrote_s: float | None = None
        self._decided_version = 0
        self._offset_s = 0.0
        self._changed = asyncio.Event()
        self._rearm = asyncio.Event()
        self._news = asyncio.Event()
        self._seated: set[int] = set()
        self._blind_untold = False
        self._met = False
        self._beat_at_s = 0.0
        self._renewed_s = 0.0
        self._prune_at_s = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[Refuse | None]] = set()

    async def open(self) -> None:
        """Enter the books, and begin to keep time. Raises ``StorageError``."""
        await self.run(Started(self.process, self.incarnation))
        self.lengths_s = await self._store.session_lengths(RECENT)
        for loop in (self._keep_time(), self._mind_lease(), self._listen(), self._keep_up()):
            self._tasks.append(asyncio.create_task(loop))

    async def close(self) -> None:
        """Leave the books; sessions may be resumed for a while."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._running, return_exceptions=True)
        if not self.fenced:
            try:
                await self.unready()
            except (StorageError, Fenced) as error:
                _log.warning("could not say goodbye: %s", type(error).__name__)

    @property
    def now_s(self) -> float:
        """The lobby's clock."""
        return self._clock.steady_s() + self._offset_s

    @property
    def working(self) -> bool:
        """Whether what this process believes can be relied on: others take nothing from it yet."""
        return self.sighted and not self.fenced and self._leased_s > 0

    @property
    def _leased_s(self) -> float:
        """How long the lease still lasts."""
        return self._renewed_s + self._settings.lease_s - self._clock.steady_s()

    async def changed(self, version: int) -> int:
        """Wait until the books are no longer at ``version``; the new version."""
        while self.version == version:
            await self._changed.wait()
        return self.version

    async def ready(self, present: Mapping[int, Mapping[int, int]]) -> None:
        """This process sees Discord."""
        await self.run(Ready(self.process, self.incarnation, present))

    async def unready(self) -> None:
        """This process no longer sees Discord."""
        if self.sighted or self._blind_untold:
            self.sighted, self._blind_untold = False, True
            await self.run(Unready(self.process))
            self._blind_untold = False

    async def run(
        self, event: Event, matters: Callable[[Hall], bool] | None = None
    ) -> Refuse | None:
        """One transition: decided, saved, and handed on to be performed. In order of the calls.

        ``matters`` is asked when the turn of this event has come; if it says no, nothing happens.
        Raises ``StorageError`` (nothing changed) and ``Fenced``.
        """
        if matters and not self._running and not matters(self.hall):
            return None
        # Whoever stops waiting for it must not take its effects with them.
        running = asyncio.create_task(self._alone(event, matters))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    async def _alone(self, event: Event, matters: Callable[[Hall], bool] | None) -> Refuse | None:
        async with self._lock:
            if matters and not matters(self.hall):
                return None
            refusal = await self._decide(event)
            if isinstance(event, Ready):
                self.sighted = self._met = True
                self._beat_at_s = self._clock.steady_s() + self._settings.heartbeat_s
            return refusal

    async def _decide(self, event: Event) -> Refuse | None:
        if self.fenced:
            raise Fenced
        decision: _Decision | None = None

        def decide(books: Books, database_s: float) -> Entry:
            nonlocal decision
            decision, entry = self._apply(event, books, database_s)
            return entry

        began_s = self._clock.steady_s()
        # Nothing can be performed before Discord was there once. What others left for us, and what
        # we decide ourselves, stays with the books until then, even if this process dies first.
        met = self._met or isinstance(event, Ready)
        try:
            posts = await self._store.transact(self.process if met else "", decide)
        except Fenced:
            self.fenced = True
            self._fall_silent()
            _log.error("another process named %s took over; this one is silent", self.process)
            raise
        if decision is None:
            raise RuntimeError("the store did not ask for a decision")
        self._wrote_s = began_s
        if decision.renewed:
            self._renewed_s = began_s
        self._decided_version = decision.version
        self._see(decision.lobby, decision.version, decision.now_s)
        self._perform([*self._collected(posts, decision.now_s), *decision.mine])
        return decision.refusal

    def _apply(self, event: Event, books: Books, database_s: float) -> tuple[_Decision, Entry]:
        steady_s = self._clock.steady_s()
        elapsed_s = None if self._wrote_s is None else steady_s - self._wrote_s
        now_s, skew_s = reckon(books.seen_s, books.skew_s, database_s, elapsed_s)
        known = books.processes.get(self.process)
        if known and known.incarnation != self.incarnation and not isinstance(event, Started):
            raise Fenced
        lobby = Lobby(self._settings, books, self.process)
        effects: list[Effect] = []
        due_s = now_s + self._settings.lease_s - self._settings.heartbeat_s
        if self.sighted and (known is None or known.gone_s < due_s):
            # Whatever we write shows that we are alive: a heartbeat of its own may have to wait
            # for its turn, behind a crowd.
            effects += lobby.apply(Heartbeat(self.process, self.incarnation), now_s)
        effects += lobby.apply(event, now_s)
        mine: list[Deeds] = []
        posts: list[Post] = []
        refusal = None
        for effect in effects:
            if isinstance(effect, Refuse):
                refusal = effect
            elif not isinstance(effect, TrailLine):
                owner = lobby.owners.get(effect.guild_id, self.process)
                if owner == self.process and (self._met or isinstance(event, Ready)):
                    mine.append(effect)
                else:
                    body = codec.encode(effect)
                    posts.append(Post(owner, codec.person(effect), now_s, body))
        version = books.version + 1
        alive = lobby.processes.get(self.process)
        renewed = alive is not None and not alive.down_s and alive != known
        trail = tuple(each for each in effects if isinstance(each, TrailLine))
        entry = Entry(lobby.books(version, database_s, skew_s), trail, tuple(posts))
        return _Decision(lobby, version, now_s, mine, renewed, refusal), entry

    def _collected(self, posts: Iterable[Post], now_s: float) -> list[Deeds]:
        """What was left for us. After a start only words count: our connections are gone."""
        effects = [codec.decode(post.body) for post in posts if now_s - post.at_s < STALE_S]
        if not self._met:
            return [effect for effect in effects if isinstance(effect, Tell)]
        return effects

    def _see(self, lobby: Lobby, version: int, now_s: float) -> None:
        self.hall, self.version = lobby, version
        self._offset_s = now_s - self._clock.steady_s()
        self._changed.set()
        self._changed = asyncio.Event()
        self._rearm.set()

    async def _keep_time(self) -> None:
        while not self.fenced:
            self._rearm.clear()
            alarm_s = self.hall.next_alarm_s()
            due_s = [] if alarm_s is None else [alarm_s - self._offset_s + _AFTER_S]
            if self.sighted:
                due_s.append(self._beat_at_s)
            wait_s = max(_AFTER_S, min(due_s) - self._clock.steady_s()) if due_s else None
            if await self._clock.wait(self._rearm, wait_s):
                continue
            await self._patiently(self._beat())

    async def _beat(self) -> None:
        if self.sighted and self._clock.steady_s() >= self._beat_at_s:
            await self.run(Heartbeat(self.process, self.incarnation))
            self._beat_at_s = self._clock.steady_s() + self._settings.heartbeat_s
            if self._clock.steady_s() >= self._prune_at_s:
                self._prune_at_s = self._clock.steady_s() + _PRUNE_EVERY_S
                await self._store.prune(self.now_s - TRAIL_KEPT_S)
        else:
            await self.run(Tick())

    async def _mind_lease(self) -> None:
        """What is queued to be spoken must not outlast the lease: the slots are others' then."""
        ended_s = self._renewed_s  # which one: nobody speaks before the first
        while not self.fenced:
            if self._leased_s <= 0 and ended_s != self._renewed_s:
                ended_s = self._renewed_s
                self._fall_silent()
            await self._clock.wait(asyncio.Event(), max(self._leased_s, RETRY_S) + _AFTER_S)

    def _fall_silent(self) -> None:
        self._perform(
            [
                Silence(place.guild_id, place.person_id)
                for place in self.hall.staged(*SESSION)
                if self.hall.rooms[place.guild_id].process == self.process
            ]
        )

    async def _listen(self) -> None:
        while not self.fenced:
            await self._patiently(self._hear())

    async def _hear(self) -> None:
        poll_s = self._settings.poll_s
        async with aclosing(self._store.changes(self.process, poll_s=poll_s)) as changes:
            async for change in changes:
                if change.posts and change.version > self._decided_version:
                    await self.run(Tick())  # which takes the posts
                self._news.set()

    async def _keep_up(self) -> None:
        """Look at what others changed, for views and alarms: soon, but not for each change."""
        while not self.fenced:
            await self._clock.wait(self._news, None)
            self._news.clear()
            await self._patiently(self._look())
            await self._clock.wait(asyncio.Event(), _LOOK_S)

    async def _look(self) -> None:
        books = await self._store.read()
        if books.version > self.version and not self._running:
            self._see(Lobby(self._settings, books, self.process), books.version, self.now_s)
        seated = {place.person_id for place in self.hall.staged(*SESSION)}
        if seated != self._seated:
            self._seated = seated
            self.lengths_s = await self._store.session_lengths(RECENT)

    async def _patiently(self, work: Coroutine[Any, Any, None]) -> None:
        """Outlive a store that fails for a while."""
        try:
            await work
        except StorageError as error:
            _log.warning("the lobby's store failed (%s); trying again", type(error).__name__)
            await self._clock.wait(asyncio.Event(), RETRY_S)
        except Fenced:
            return
        except Exception:
            # A fault of ours in one transition must not stop the heartbeats, and cost everybody
            # their sessions.
            _log.exception("the lobby's keeper failed; going on")
            await self._clock.wait(asyncio.Event(), RETRY_S)
