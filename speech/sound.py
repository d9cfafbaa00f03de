"""From a voice's samples to Opus frames: made safe, brought to 48 kHz, cut into 20 ms, encoded.

Runs in the worker. Legend: samples are mono float32 (n,), nominally within [-1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from speech.base import FRAME_SAMPLES, LOOKAHEAD, RATE_HZ

F32 = npt.NDArray[np.float32]

LOUDNESS_DBFS = -20.0
"""What every voice is brought to, so that a change of voice is no change of volume."""

GAIN_RANGE = (0.4, 4.0)
KNEE = 0.8
"""Above this a sample is bent towards 1 instead of clipped."""


def made_safe(samples: F32, gain: float = 1.0) -> F32:
    """``samples`` times ``gain``, within [-1, 1], whatever came in. Has no memory, so no seams."""
    with np.errstate(over="ignore"):
        loud = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0) * np.float32(gain)
    over = np.abs(loud) > KNEE
    if over.any():
        bent = KNEE + (1 - KNEE) * np.tanh((np.abs(loud[over]) - KNEE) / (1 - KNEE))
        loud[over] = np.sign(loud[over]) * bent
    return loud.astype(np.float32, copy=False)


def gain_for(samples: F32, rate_hz: int) -> float:
    """What brings a stretch of speech to :data:`LOUDNESS_DBFS`; pauses do not count."""
    block = max(1, rate_hz // 50)
    blocks = samples[: samples.size // block * block].reshape(-1, block)
    power = np.mean(np.square(np.nan_to_num(blocks), dtype=np.float64), axis=1)
    spoken = power[power > max(1e-5, power.max(initial=0.0) / 100)]
    if not spoken.size:
        return 1.0
    loudness_dbfs = 10 * math.log10(float(spoken.mean()))
    return float(np.clip(10 ** ((LOUDNESS_DBFS - loudness_dbfs) / 20), *GAIN_RANGE))


class FrameMaker:
    """Makes one unbroken stream of frames out of samples of any rates."""

    def __init__(self, bitrate_bps: int) -> None:
        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(encoder, av.AudioCodecContext)  # noqa: S101 - for the type checker
        encoder.sample_rate = RATE_HZ
        encoder.layout = "mono"
        encoder.format = "flt"
        encoder.bit_rate = bitrate_bps
        encoder.time_base = Fraction(1, RATE_HZ)
        encoder.options = {"application": "audio", "frame_duration": "20"}
        encoder.open()
        self._encoder = encoder
        self._resampler: av.AudioResampler | None = None
        self._rate_hz = 0
        self._rest = np.zeros(0, np.float32)  # samples at 48 kHz that fill no frame yet

    def add(self, samples: F32, rate_hz: int) -> list[bytes]:
        """The frames that ``samples`` complete."""
        if rate_hz != self._rate_hz:
            frames = self._change_rate(rate_hz)
        else:
            frames = []
        if rate_hz == RATE_HZ or not samples.size:
            return frames + self._cut(samples)
        assert self._resampler is not None  # noqa: S101 - for the type checker
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        return frames + self._encode_all(self._resampler.resample(frame))

    def pause(self, seconds: float) -> list[bytes]:
        """The frames that a silence completes."""
        silence = np.zeros(round(seconds * RATE_HZ), np.float32)
        return self._change_rate(0) + self._cut(silence)

    def finish(self) -> list[bytes]:
        """The last frames; the end of the sound is in them, padded with silence."""
        frames = self._change_rate(0)
        size = self._rest.size + LOOKAHEAD
        padding = -size % FRAME_SAMPLES + LOOKAHEAD
        return frames + self._cut(np.zeros(padding, np.float32))

    def _change_rate(self, rate_hz: int) -> list[bytes]:
        """Get the last samples out of the resampler, and make one for ``rate_hz`` if need be."""
        frames = self._encode_all(self._resampler.resample(None)) if self._resampler else []
        self._rate_hz, self._resampler = rate_hz, None
        if rate_hz not in {0, RATE_HZ}:
            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
        return frames

    def _encode_all(self, resampled: list[av.AudioFrame]) -> list[bytes]:
        return [packet for frame in resampled for packet in self._cut(frame.to_ndarray()[0])]

    def _cut(self, samples: F32) -> list[bytes]:
        joined = np.concatenate([self._rest, samples]) if self._rest.size else samples
        whole = joined.size // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:].copy()
        blocks = joined[:whole].reshape(-1, FRAME_SAMPLES)
        return [packet for block in blocks for packet in self._encode(block)]

    def _encode(self, block: F32) -> Iterator[bytes]:
        # A resampler is not exact at the edges of speech: what it overshoots is clipped here.
        safe = np.clip(block, -1.0, 1.0)
        frame = av.AudioFrame.from_ndarray(safe[None], format="flt", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in self._encoder.encode(frame):
            yield bytes(packet)
