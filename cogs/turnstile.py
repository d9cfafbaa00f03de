"""One answer at a time for each person: their messages queue in order, none lost or interleaved."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from errors import Unavailable
from words import N_


class TooManyMessages(Unavailable):
    """Somebody writes faster than they can be answered."""

    sentence = N_("{waiting} of your messages are already waiting for an answer. One at a time!")


class Turnstile:
    """Lets one task per person through, first come first served.

    asyncio.Lock is fair too, but cannot say how many wait, nor forget people who left.
    """

    def __init__(self, waiting_most: int) -> None:
        self._waiting_most = waiting_most
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def waiting(self, person: Hashable) -> int:
        """How many tasks of this person wait behind the one that is through."""
        return max(0, len(self._lines.get(person, ())) - 1)

    @asynccontextmanager
    async def passage(self, person: Hashable) -> AsyncIterator[None]:
        """Wait for this person's turn. Raises :class:`TooManyMessages` at once when too many do."""
        line = self._lines.setdefault(person, deque())
        if len(line) > self._waiting_most:
            raise TooManyMessages(waiting=len(line) - 1)
        mine = asyncio.get_running_loop().create_future()
        line.append(mine)
        if len(line) == 1:
            mine.set_result(None)
        try:
            await mine
            yield
        finally:
            first = line[0] is mine
            line.remove(mine)
            if first and line:
                line[0].set_result(None)
            if not line:
                self._lines.pop(person, None)
