"""Who is heard next in a voice channel. Pure: no clock, no asyncio, no discord.

Two rules: one reply at a time, and people take turns, however many replies each has waiting.
Within one person's replies the order is that of asking. A reply that has no sound yet keeps its
place but holds up nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from speech.base import NothingToSkip, NotYours, QueueFull, TooManyWaiting

T = TypeVar("T")


@dataclass(frozen=True)
class Item(Generic[T]):
    """Something to be heard; ``number`` counts up."""

    number: int
    person_id: int
    what: T
    added_s: float


@dataclass(frozen=True)
class QueueView:
    """The queue as people may see it: whose turn it is, then whose in the order of speaking."""

    speaking: int | None  # person ids
    waiting: tuple[int, ...]
    oldest_wait_s: float


class SpeechQueue(Generic[T]):
    """The replies of one voice connection. ``now_s`` is any clock that only goes forward."""

    def __init__(self, per_person: int, total: int) -> None:
        self._per_person = per_person
        self._total = total
        self._waiting: list[Item[T]] = []
        self._current: Item[T] | None = None
        self._number = 0
        self._turn = 0
        self._served: dict[int, int] = {}  # person -> when last served, counted in turns

    @property
    def current(self) -> Item[T] | None:
        """What is being heard."""
        return self._current

    def add(self, person_id: int, what: T, now_s: float) -> Item[T]:
        """Take a place. Raises TooManyWaiting or QueueFull, and then nothing has changed."""
        own = sum(item.person_id == person_id for item in self._waiting)
        if own >= self._per_person:
            raise TooManyWaiting(waiting=own)
        if len(self._waiting) >= self._total:
            raise QueueFull(waiting=len(self._waiting))
        self._number += 1
        item = Item(self._number, person_id, what, now_s)
        self._waiting.append(item)
        return item

    def start(self, ready: Callable[[T], bool]) -> Item[T] | None:
        """Whose turn it is, if nothing is being heard: that item is now the current one."""
        if self._current is not None:
            return None
        ready_heads = [item for item in self._heads() if ready(item.what)]
        if not ready_heads:
            return None
        item = min(ready_heads, key=self._rank)
        self._waiting.remove(item)
        self._current = item
        self._turn += 1
        self._served[item.person_id] = self._turn
        return item

    def finish(self, item: Item[T]) -> None:
        """``item`` is over: heard, skipped or failed."""
        if self._current is item:
            self._current = None
        if not self._waiting and self._current is None:
            self._served.clear()  # nobody is owed a turn

    def skip(self, person_id: int, *, moderator: bool) -> Item[T]:
        """What has to be silenced now: the current item, if it is theirs or they may.

        Raises NothingToSkip or NotYours.
        """
        if self._current is None:
            raise NothingToSkip
        if self._current.person_id != person_id and not moderator:
            raise NotYours
        return self._current

    def stop(self, person_id: int, *, everyone: bool = False) -> list[Item[T]]:
        """What has to be silenced: all of one person's, or all. The waiting ones leave at once.

        Empty when there is nothing; the current item leaves by :meth:`finish`.
        """
        mine = [item for item in self._waiting if everyone or item.person_id == person_id]
        self._waiting = [item for item in self._waiting if item not in mine]
        if self._current and (everyone or self._current.person_id == person_id):
            mine.insert(0, self._current)
        return mine

    def view(self, now_s: float) -> QueueView:
        """Who speaks and who waits, in the order in which they would be served now."""
        order: list[int] = []
        rounds: dict[int, int] = {}
        ranked = []
        for item in self._waiting:
            rounds[item.person_id] = rounds.get(item.person_id, 0) + 1
            ranked.append((rounds[item.person_id], *self._rank(item), item.person_id))
        order = [person_id for *_, person_id in sorted(ranked)]
        oldest = max((now_s - item.added_s for item in self._waiting), default=0.0)
        speaking = self._current.person_id if self._current else None
        return QueueView(speaking, tuple(order), oldest)

    def _heads(self) -> list[Item[T]]:
        """Each person's next item."""
        heads: dict[int, Item[T]] = {}
        for item in self._waiting:
            heads.setdefault(item.person_id, item)
        return list(heads.values())

    def _rank(self, item: Item[T]) -> tuple[int, int]:
        """The person served longest ago first; among the new ones who asked first."""
        return self._served.get(item.person_id, 0), item.number
