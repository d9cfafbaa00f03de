"""Opus packets to samples, and samples to a WAV file. 48 kHz stereo throughout."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from sandbox.voice.rtp import FRAME_SAMPLES, RATE_HZ

SILENCE = b"\xf8\xff\xfe"
"""The frame of silence that Discord's clients send, and that DAVE leaves unencrypted."""
CHANNELS = 2


def decode(packets: Iterable[bytes | None]) -> Iterator[npt.NDArray[np.int16]]:
    """Decode one stream's Opus packets in order, ``(960, 2)`` for each packet.

    A lost packet (None) and one that libopus refuses are heard as silence.
    """
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.sample_rate = RATE_HZ
    decoder.layout = "stereo"
    for packet in packets:
        yield _fit(_samples(decoder, packet) if packet else None)


def _samples(decoder: av.AudioCodecContext, packet: bytes) -> npt.NDArray[np.int16] | None:
    try:
        decoded = decoder.decode(av.Packet(packet))
    except av.FFmpegError:
        return None
    return np.concatenate([f.to_ndarray().reshape(-1, CHANNELS) for f in decoded])


def _fit(samples: npt.NDArray[np.int16] | None) -> npt.NDArray[np.int16]:
    """Exactly one frame: a slot of 20 ms never holds more or less."""
    if samples is not None and len(samples) == FRAME_SAMPLES:
        return samples
    slot = np.zeros((FRAME_SAMPLES, CHANNELS), np.int16)
    if samples is not None:
        slot[: len(samples)] = samples[:FRAME_SAMPLES]
    return slot


def write_wav(path: Path, samples: npt.NDArray[np.int16]) -> None:
    """Write ``samples`` ``(n, 2)`` as 16-bit PCM."""
    # Opened here: wave complains at length, and late, about a path that it cannot open itself.
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(CHANNELS)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.ascontiguousarray(samples, "<i2").tobytes())
