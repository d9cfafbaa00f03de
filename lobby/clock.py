"""Time: the lobby's clock, and waiting that tests can do in virtual time.

All processes share the database's clock, so that a deadline means the same to each. That clock may
be set by hand or by NTP, and nobody shall lose a session because of that: ``reckon`` takes its
jumps out, with the steady clock of the process as witness.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

TOLERANCE_S = 2.0
"""Less than this is no jump: a slow transaction, or clocks that tick a little differently."""


def reckon(
    seen_s: float, skew_s: float, database_s: float, elapsed_s: float | None
) -> tuple[float, float]:
    """The lobby's time, and the skew that makes it from the database's: ``(now_s, skew_s)``.

    ``seen_s`` is what the database's clock said when the books were last written, by anyone.
    ``elapsed_s`` is how long ago, by a steady clock, this process last wrote in them itself (None:
    never). That was not after the last writing, so the database's clock cannot honestly have moved
    on by more; and never back. A process that wrote nothing yet has no witness, and believes.
    """
    step_s = database_s - seen_s
    if seen_s and step_s < 0:
        skew_s -= step_s
    elif seen_s and elapsed_s is not None and step_s > elapsed_s + TOLERANCE_S:
        skew_s -= step_s - elapsed_s
    return database_s + skew_s, skew_s


class Clock(Protocol):
    """The steady clock of a process, and waiting by it."""

    def steady_s(self) -> float:
        """Seconds since some moment; never jumps."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> bool:
        """Wait until ``event`` is set, at most ``timeout_s``; whether it is set."""
        ...


class SteadyClock:
    """The real one."""

    def steady_s(self) -> float:
        return time.monotonic()

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                return await event.wait()
        except TimeoutError:
            return event.is_set()
