"""One line for each person: their messages are answered one after another, in order.

A place is taken at once, when a message arrives; waiting for one's turn comes later. So whatever
happens in between (an acknowledgement, a download) cannot turn the order around.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from dialogue.errors import LineFull


class Place:
    """A place in one person's line; ``async with place`` waits for its turn and then leaves."""

    def __init__(self, lines: Lines, person_id: int) -> None:
        self._lines = lines
        self._person_id = person_id
        self._turn = asyncio.Event()
        self.void = False
        """Whether the person asked to be forgotten after they took it."""

    @property
    def waiting(self) -> bool:
        """Whether somebody is ahead."""
        return not self._turn.is_set()

    async def reach(self) -> None:
        """Return when it is this place's turn. A place that is cancelled while waiting is left."""
        try:
            await self._turn.wait()
        except asyncio.CancelledError:
            self.leave()
            raise

    def leave(self) -> None:
        """Let the next one come forward; doing so twice is harmless."""
        self._lines._leave(self._person_id, self)

    async def __aenter__(self) -> Place:
        await self.reach()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.leave()


class Lines:
    """All lines. ``waiting`` is how many may stand behind the one who is being answered."""

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting
        self._lines: dict[int, deque[Place]] = {}

    def take(self, person_id: int) -> Place:
        """The next place in this person's line. Raises ``LineFull``."""
        line = self._lines.get(person_id, deque())
        if len(line) > self._waiting:
            raise LineFull
        place = Place(self, person_id)
        line.append(place)
        self._lines[person_id] = line
        line[0]._turn.set()
        return place

    def void(self, person_id: int) -> None:
        """Every place that this person holds now is worth nothing when its turn comes."""
        for place in self._lines.get(person_id, ()):
            place.void = True

    def _leave(self, person_id: int, place: Place) -> None:
        line = self._lines.get(person_id)
        if line is None or place not in line:
            return
        line.remove(place)
        if line:
            line[0]._turn.set()
        else:
            del self._lines[person_id]

    def __len__(self) -> int:
        """People who are being answered."""
        return len(self._lines)
