"""A reply as a file: Ogg/Opus for an attachment, with what a native voice message needs besides.

The frames are those that a voice channel would have got; they are put into the container as they
are (RFC 7845), not encoded again.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from speech.base import FRAME_S
from speech.loudness import loudness
from speech.narrator import Report, Spoken
from speech.ogg import ogg

WAVEFORM_POINTS = 256
"""Discord's limit."""


@dataclass(frozen=True)
class AudioFile:
    """An Ogg/Opus file in memory.

    Attributes:
        data: the file.
        duration_s: how long it sounds.
        waveform: base64 of at most 256 bytes, one loudness each, as voice messages carry it.
        report: what became of the reply that it holds.
    """

    data: bytes
    duration_s: float
    waveform: str
    report: Report

    name = "reply.ogg"
    content_type = "audio/ogg"


async def collect(spoken: Spoken) -> AudioFile | None:
    """Wait for all of ``spoken`` and make a file of it; None when it has no sound."""
    frames = [frame async for frame in spoken.frames]
    report = await spoken.done()
    if not frames:
        return None
    # In a thread: the event loop has frames of others to see to.
    data, points = await asyncio.to_thread(lambda: (ogg(frames), waveform(frames)))
    return AudioFile(data, len(frames) * FRAME_S, points, report)


def waveform(frames: Sequence[bytes]) -> str:
    """How loud the sound is over its length: base64 of at most 256 bytes from 0 to 255."""
    levels, points = loudness(frames), min(WAVEFORM_POINTS, len(frames))
    edges = [point * len(levels) // points for point in range(points + 1)]
    peaks = [max(levels[start:end]) for start, end in pairwise(edges)]
    loudest = max(*peaks, 1e-4)
    return base64.b64encode(bytes(round(255 * peak / loudest) for peak in peaks)).decode()
