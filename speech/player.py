"""Plays the replies of one voice connection, one after another, into its outlet."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from speech.base import place_of
from speech.frames import FrameBuffer
from speech.narrator import Spoken
from speech.queue import Item, QueueView, SpeechQueue
from speech.settings import SpeechSettings

_log = logging.getLogger(__name__)


class Outlet(Protocol):
    """Where frames are heard: :class:`speech.playback.Playback`, or a fake in the tests."""

    async def play(self, frames: FrameBuffer) -> None:
        """Play until the buffer ends or is cancelled; returns when silence is certain."""


class Player:
    """One per voice connection. Make it in a running loop; :meth:`close` it."""

    def __init__(self, outlet: Outlet, settings: SpeechSettings) -> None:
        self._outlet = outlet
        self._queue: SpeechQueue[Spoken] = SpeechQueue(settings.queue_person, settings.queue_total)
        self._changed = asyncio.Event()
        self._watchers: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run(), name="player")

    def add(self, person_id: int, spoken: Spoken) -> Item[Spoken]:
        """Queue a reply, also one whose text has not begun.

        Raises TooManyWaiting or QueueFull; then the reply was not taken and is the caller's.
        """
        item = self._queue.add(person_id, spoken, time.monotonic())
        watcher = asyncio.create_task(self._watch(spoken))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return item

    def skip(self, person_id: int, *, moderator: bool = False) -> None:
        """Silence what is being heard. Raises NothingToSkip or NotYours."""
        self._queue.skip(person_id, moderator=moderator).what.cancel()

    def stop(self, person_id: int, *, everyone: bool = False) -> int:
        """Silence all of one person's replies, or everyone's; how many there were."""
        items = self._queue.stop(person_id, everyone=everyone)
        for item in items:
            item.what.cancel()
        return len(items)

    def view(self) -> QueueView:
        """Who is heard and who waits."""
        return self._queue.view(time.monotonic())

    async def close(self) -> None:
        """Silence everything and end."""
        self.stop(0, everyone=True)
        for task in (self._task, *self._watchers):
            task.cancel()
        await asyncio.gather(self._task, *self._watchers, return_exceptions=True)

    async def _watch(self, spoken: Spoken) -> None:
        await spoken.ready.wait()
        self._changed.set()

    async def _run(self) -> None:
        while True:
            item = self._queue.start(lambda spoken: spoken.ready.is_set())
            if item is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await self._outlet.play(item.what.frames)
            except Exception as error:  # one reply that cannot be played silences no other
                _log.error("a reply could not be played: %s", place_of(error))
            finally:
                item.what.cancel()  # if it was not heard to its end, nobody makes more of it
                self._queue.finish(item)
