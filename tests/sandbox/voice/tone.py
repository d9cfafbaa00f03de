"""Known sounds to play, and ears that can tell whether they arrived."""

from __future__ import annotations

import av
import discord
import numpy as np
import numpy.typing as npt

RATE_HZ = 48_000
FRAME = 960


def sine(frequency_hz: float, frames: int) -> npt.NDArray[np.int16]:
    """A tone in stereo, ``(frames * 960, 2)``."""
    time_s = np.arange(frames * FRAME) / RATE_HZ
    wave = np.sin(2 * np.pi * frequency_hz * time_s) * 12_000
    return np.repeat(wave.astype(np.int16)[:, None], 2, axis=1)


def encode(samples: npt.NDArray[np.int16]) -> list[bytes]:
    """Opus packets of 20 ms, as a bot would send them."""
    encoder = av.AudioCodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "stereo", "s16"
    encoder.bit_rate = 128_000
    packets: list[bytes] = []
    for at in range(0, len(samples), FRAME):
        piece = np.ascontiguousarray(samples[at : at + FRAME]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def loudest_hz(samples: npt.NDArray[np.int16]) -> float:
    """The frequency with the most energy in the first channel."""
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


def snr_db(samples: npt.NDArray[np.int16], frequency_hz: float) -> float:
    """How far a pure tone stands above everything else in the first channel."""
    time_s = np.arange(len(samples)) / RATE_HZ
    basis = np.stack(
        [np.sin(2 * np.pi * frequency_hz * time_s), np.cos(2 * np.pi * frequency_hz * time_s)], 1
    )
    heard = samples[:, 0].astype(float)
    tone = basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    return float(10 * np.log10((tone**2).sum() / ((heard - tone) ** 2).sum()))


class Frames(discord.AudioSource):
    """Opus packets for discord.py's player; with ``endless`` they repeat until stopped."""

    def __init__(self, packets: list[bytes], *, endless: bool = False) -> None:
        self._packets = packets
        self._endless = endless
        self._next = 0

    def read(self) -> bytes:
        if self._next >= len(self._packets):
            if not self._endless:
                return b""
            self._next = 0
        self._next += 1
        return self._packets[self._next - 1]

    def is_opus(self) -> bool:
        return True
