"""A reply as a file: Ogg/Opus for an attachment, with what a native voice message needs besides.

The frames are those that a voice channel would have got; they are put into the container as they
are (RFC 7845), not encoded again.
"""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from speech.base import FRAME_S, FRAME_SAMPLES, RATE_HZ
from speech.narrator import Report, Spoken
from speech.sound import LOOKAHEAD

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


def ogg(frames: Sequence[bytes]) -> bytes:
    """``frames`` in an Ogg container."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        # The encoder is only asked for the stream's header; no sample goes through it.
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono")
        container.start_encoding()
        for number, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream = stream
            packet.time_base = Fraction(1, RATE_HZ)
            packet.pts = packet.dts = number * FRAME_SAMPLES - LOOKAHEAD
            packet.duration = FRAME_SAMPLES
            container.mux(packet)
    return file.getvalue()


def waveform(frames: Sequence[bytes]) -> str:
    """How loud the sound is over its length: base64 of at most 256 bytes from 0 to 255."""
    decoder = av.CodecContext.create("libopus", "r")
    levels = np.zeros(len(frames))
    for number, frame in enumerate(frames):
        for decoded in decoder.decode(av.Packet(frame)):
            samples = decoded.to_ndarray().astype(np.float32) / 32768
            levels[number] = np.sqrt(np.mean(np.square(samples)))
    parts = np.array_split(levels, min(WAVEFORM_POINTS, len(frames)))
    peaks = np.array([part.max() for part in parts])
    scaled = np.round(255 * peaks / max(peaks.max(), 1e-4)).astype(np.uint8)
    return base64.b64encode(scaled.tobytes()).decode()
