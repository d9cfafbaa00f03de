"""What the acted-as member hears, as binary messages for the browser.

Each message is a header of 26 bytes, big-endian, and the plain Opus packet: arrival time in
sandbox real seconds (f64), speaker (u64), RTP time in samples (u32), spurt (u32), sequence (u16).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.voice.hearing import HeardFrame, Hearing

if TYPE_CHECKING:
    from sandbox.actor import Actor
    from sandbox.core import Core

_HEADER = struct.Struct(">dQIIH")
_PATIENCE_S = 3600.0


def pack(frame: HeardFrame) -> bytes:
    """One frame as the page reads it."""
    head = _HEADER.pack(
        frame.arrived_s, frame.speaker_id, frame.rtp_time, frame.spurt, frame.sequence
    )
    return head + frame.opus


class Ear:
    """The frames that reach one member from now on, whoever that member is at the moment."""

    def __init__(self, core: Core, who: Callable[[], Actor]) -> None:
        self._core = core
        self._who = who
        self._hearing: Hearing | None = None
        self._taken = 0

    async def frames(self) -> list[HeardFrame]:
        """Wait for frames, and take all that have come."""
        while True:
            try:
                await self._core.timeline.until(self._fresh, _PATIENCE_S)
            except TimeoutError:
                continue
            assert self._hearing is not None  # noqa: S101 - what _fresh makes sure of
            found = list(self._hearing.frames[self._taken :])
            self._taken += len(found)
            return found

    def _fresh(self) -> bool:
        who = self._who()
        state = who.voice
        if state is None:
            self._hearing = None
            return False
        hearing = self._core.voice.heard(state.guild_id, who.id)
        if hearing is not self._hearing:
            self._hearing, self._taken = hearing, len(hearing.frames)
        return len(hearing.frames) > self._taken
