"""What a listener's jitter buffer makes of frames that come when they come.

The buffer holds 40 ms: the first frame of a spurt is played 40 ms after it came, and the
others when their RTP time says. When a frame is not there in time the listener hears a
stall, and everything after it moves back by as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from sandbox.voice import sound
from sandbox.voice.rtp import FRAME_S, FRAME_SAMPLES, RATE_HZ, signed_difference

BUFFER_S = 0.040


class Timed(Protocol):
    """The part of a heard frame that playing it needs."""

    @property
    def sequence(self) -> int: ...
    @property
    def rtp_time(self) -> int: ...
    @property
    def arrived_s(self) -> float: ...
    @property
    def opus(self) -> bytes: ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True)
class Schedule(Generic[T]):
    """``slots``: when each frame begins to sound, in sequence order, with None where a frame
    was lost; ``stalls``: the length of each underrun, in seconds."""

    slots: list[tuple[float, T | None]]
    stalls: list[float]


def schedule(spurt: Sequence[T]) -> Schedule[T]:
    """Play one spurt (frames of one SSRC) through a 40 ms jitter buffer."""
    if not spurt:
        return Schedule([], [])
    start = spurt[0]
    ordered = sorted(
        ((signed_difference(frame.sequence, start.sequence, 16), frame) for frame in spurt),
        key=lambda numbered: numbered[0],
    )
    anchor_s = start.arrived_s + BUFFER_S
    slots: list[tuple[float, T | None]] = []
    stalls: list[float] = []
    expected = ordered[0][0]
    for number, frame in ordered:
        if number < expected:  # a duplicate
            continue
        due_s = anchor_s + signed_difference(frame.rtp_time, start.rtp_time, 32) / RATE_HZ
        lost = number - expected
        slots += [(due_s - FRAME_S * (lost - i), None) for i in range(lost)]
        if frame.arrived_s > due_s:
            stalls.append(frame.arrived_s - due_s)
            anchor_s += frame.arrived_s - due_s
            due_s = frame.arrived_s
        slots.append((due_s, frame))
        expected = number + 1
    return Schedule(slots, stalls)


def play(spurt: Sequence[T]) -> Iterator[tuple[float, T | None, npt.NDArray[np.int16]]]:
    """Each slot of a spurt: when it sounds, its frame (None where one was lost), its samples."""
    slots = schedule(spurt).slots
    decoded = sound.decode(frame.opus if frame else None for _, frame in slots)
    for (at_s, frame), samples in zip(slots, decoded, strict=True):
        yield at_s, frame, samples


def render(spurts: Sequence[Sequence[Timed]], *, pauses: bool) -> npt.NDArray[np.int16]:
    """Mix spurts as they were heard, ``(n, 2)`` at 48 kHz, from the first slot to the last."""
    pieces: list[tuple[int, npt.NDArray[np.int16]]] = []
    end = 0
    origin_s: float | None = None
    for spurt in spurts:
        for number, (at_s, _, samples) in enumerate(play(spurt)):
            if origin_s is None:
                origin_s = at_s
            elif not pauses and number == 0:
                origin_s = at_s - end / RATE_HZ
            at = round((at_s - origin_s) * RATE_HZ)
            pieces.append((at, samples))
            end = max(end, at + FRAME_SAMPLES)
    mix = np.zeros((end, sound.CHANNELS), np.int32)
    for at, samples in pieces:
        mix[at : at + FRAME_SAMPLES] += samples
    return np.clip(mix, -32768, 32767).astype(np.int16)
