"""Frames on their way from the narrator to whoever listens: a bounded buffer across two threads.

The border: everything is called on the event loop, except :meth:`FrameBuffer.take`, which a
player thread calls every 20 ms and which never waits. Its only shared state is a deque, whose
``append`` and ``popleft`` are atomic, and flags that only ever change one way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

END = b""
"""What :meth:`FrameBuffer.take` gives when no frame will ever come again."""


class FrameBuffer:
    """At most ``limit`` frames made ahead of the listener. Make it in a running loop."""

    def __init__(self, limit: int) -> None:
        self._limit = max(2, limit)
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._ended = False
        self._producer_waits = False
        self._space = asyncio.Event()
        self.arrived = asyncio.Event()  # set while there is something to take, the end included
        self.taken = 0
        self.resting = False  # the producer has nothing to make for now: running dry is no fault

    # --- the producer ---

    async def put(self, frame: bytes) -> None:
        """Add a frame; waits while the buffer is full. After :meth:`cancel` it is dropped."""
        if len(self._frames) >= self._limit and not self._ended:
            self._space.clear()
            self._producer_waits = True
            # Between the test and the flag the thread may have taken some: look again.
            if len(self._frames) >= self._limit:
                await self._space.wait()
            self._producer_waits = False
        if not self._ended:
            self._frames.append(frame)
            self.arrived.set()

    def end(self) -> None:
        """No frame follows."""
        self._ended = True
        self._space.set()
        self.arrived.set()

    def cancel(self) -> None:
        """Drop what was not taken: the listener hears the end at the next frame."""
        self.end()
        self._frames.clear()

    # --- the consumer ---

    def take(self) -> bytes | None:
        """The next frame, :data:`END`, or None when there is none yet. From any one thread."""
        ended = self._ended  # before looking for frames, or the last ones could be missed
        try:
            frame = self._frames.popleft()
        except IndexError:
            return END if ended else None
        self.taken += 1
        if self._producer_waits and len(self._frames) <= self._limit // 2:
            self._producer_waits = False
            self._loop.call_soon_threadsafe(self._space.set)
        return frame

    async def more(self) -> None:
        """Wait until there is something to take. On the event loop."""
        while not self._frames and not self._ended:
            self.arrived.clear()
            await self.arrived.wait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The frames, for a consumer on the event loop."""
        while True:
            await self.more()
            frame = self.take()
            if frame == END:
                return
            if frame is not None:
                yield frame

    @property
    def over(self) -> bool:
        """Whether every frame was taken or dropped, and none will come."""
        return self._ended and not self._frames

    @property
    def waiting(self) -> int:
        """Frames that are ready to be taken."""
        return len(self._frames)
