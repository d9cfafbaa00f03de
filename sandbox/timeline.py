"""Everything that happened, in order, and a way to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from sandbox.clock import Clock

T = TypeVar("T")

LOOK_AGAIN_S = 0.05
"""A waiter looks so often though nothing happened here: it may wait for what the client does."""


@dataclass(frozen=True)
class Event:
    """One thing that happened. ``at_s`` is sandbox time, ``real_s`` real time (see Clock).

    Kinds are dotted: ``message.create``, ``message.edit``, ``message.delete``,
    ``interaction.create``, ``interaction.answer``, ``voice.state``, ``rest``,
    ``gateway.identify``, ``gateway.close``, ``fault``, ``violation``, ...
    ``details`` holds live records (``Message``, ``Interaction``) as well as plain values.
    """

    at_s: float
    real_s: float
    kind: str
    details: Mapping[str, object]


@dataclass(frozen=True)
class Violation:
    """A rule of Discord's that the client broke. ``code`` is the error code it was answered."""

    at_s: float
    rule: str
    detail: str
    code: int | None = None

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        return f"{self.at_s:.3f} {self.rule}{code}: {self.detail}"


class Timeline:
    """An append-only list of events with waiters and live listeners."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self._listeners: set[asyncio.Queue[Event]] = set()
        self.events: list[Event] = []

    def note(self, kind: str, **details: object) -> Event:
        """Append an event, wake the waiters and feed the listeners."""
        event = Event(self._clock.now_s(), self._clock.real_s(), kind, details)
        self.events.append(event)
        for queue in self._listeners:
            queue.put_nowait(event)
        self.poke()
        return event

    def poke(self) -> None:
        """Make the waiters look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, predicate: Callable[[], T], timeout_s: float) -> T:
        """The first truthy value of ``predicate``, asked now, after each event, and now and then.

        ``timeout_s`` is real time. Raises TimeoutError.
        """
        async with asyncio.timeout(timeout_s):
            while not (value := predicate()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await self._changed.wait()
        return value

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[asyncio.Queue[Event]]:
        """A queue that gets every event from now on."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
