"""The sandbox's time, which tests may hurry.

Two times are kept because two kinds of waiting exist. Discord's own deadlines (an
acknowledgement in 3 s, a token that lives 15 min) run on *sandbox time*, which can be
sped up or moved forward. Sound is 20 ms a frame whatever we pretend, so frames are
stamped with *real time*. Both start at 0 when the sandbox opens.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Sandbox time: ``speed`` sandbox seconds pass in each real second."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self._opened_at = datetime.now(UTC)
        self._real_origin_s = time.perf_counter()
        self._anchor_real_s = 0.0
        self._anchor_s = 0.0
        self._speed = speed
        self._jumped = asyncio.Event()

    def real_s(self) -> float:
        """Real seconds since the sandbox opened."""
        return time.perf_counter() - self._real_origin_s

    def now_s(self) -> float:
        """Sandbox seconds since the sandbox opened."""
        return self._anchor_s + (self.real_s() - self._anchor_real_s) * self._speed

    def utc(self) -> datetime:
        """The sandbox's wall clock, from which ids and timestamps are made."""
        return self._opened_at + timedelta(seconds=self.now_s())

    @property
    def speed(self) -> float:
        """Sandbox seconds per real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self._anchor_s, self._anchor_real_s = self.now_s(), self.real_s()
        self._speed = speed
        self._wake()

    def advance(self, by_s: float) -> None:
        """Move sandbox time forward at once; every sleeper looks at the clock again."""
        if by_s < 0:
            raise ValueError("time does not run backwards")
        self._anchor_s, self._anchor_real_s = self.now_s() + by_s, self.real_s()
        self._wake()

    async def sleep_until(self, at_s: float) -> None:
        """Return when sandbox time reaches ``at_s``, however it gets there."""
        while (left_s := at_s - self.now_s()) > 0:
            jumped = self._jumped
            try:
                async with asyncio.timeout(left_s / self._speed):
                    await jumped.wait()
            except TimeoutError:
                continue

    async def sleep(self, for_s: float) -> None:
        """Wait ``for_s`` sandbox seconds."""
        await self.sleep_until(self.now_s() + for_s)

    def _wake(self) -> None:
        self._jumped.set()
        self._jumped = asyncio.Event()
