"""Where speech is, and where a long recording may be cut: at pauses.

Speech is found by Silero VAD v6, an ONNX model that the faster-whisper package carries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vits.arrays import F32
from vits.data.decode import resample
from vits.errors import WITH_TORCH, MissingDependency

VAD_HZ = 16_000
SHORTEST_S, LONGEST_S = 1.0, 12.0
JOIN_GAP_S = 0.6  # a shorter pause belongs to the sentence
MARGIN_S = 0.06  # kept on each side, so that no plosive is clipped


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start_s`` to ``end_s`` of a recording."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s


def speech(samples: F32, rate_hz: int) -> list[Span]:
    """Where somebody speaks in samples (n,), in order, pauses of 0.2 s and more left out."""
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps
    except ImportError as error:
        raise MissingDependency(f"cutting needs: {WITH_TORCH}") from error
    options = VadOptions(min_silence_duration_ms=200, min_speech_duration_ms=150, speech_pad_ms=30)
    found = get_speech_timestamps(resample(samples, rate_hz, VAD_HZ), options)
    return [Span(each["start"] / VAD_HZ, each["end"] / VAD_HZ) for each in found]


def utterances(spans: list[Span], samples: F32, rate_hz: int) -> list[Span]:
    """Join and cut speech ``spans`` into utterances of at most :data:`LONGEST_S`.

    Short pauses are kept inside an utterance. A stretch without a pause that is too long is cut
    where it is quietest in its second half.
    """
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if (
            last
            and span.start_s - last.end_s <= JOIN_GAP_S
            and span.end_s - last.start_s <= LONGEST_S
        ):
            joined[-1] = Span(last.start_s, span.end_s)
        else:
            joined.append(span)
    cut: list[Span] = []
    for span in joined:
        while span.seconds > LONGEST_S:
            at_s = _quietest(samples, rate_hz, span.start_s + LONGEST_S / 2, LONGEST_S / 2)
            cut.append(Span(span.start_s, at_s))
            span = Span(at_s, span.end_s)
        cut.append(span)
    return cut


def _quietest(samples: F32, rate_hz: int, start_s: float, seconds: float) -> float:
    """The middle of the quietest 50 ms from ``start_s`` on."""
    window = max(1, int(0.05 * rate_hz))
    part = samples[int(start_s * rate_hz) : int((start_s + seconds) * rate_hz)]
    rows = part[: len(part) // window * window].reshape(-1, window)
    if len(rows) == 0:
        return start_s
    return start_s + (int(np.argmin((rows**2).sum(1))) + 0.5) * window / rate_hz


def take(samples: F32, rate_hz: int, span: Span) -> F32:
    """The samples (m,) of ``span`` with :data:`MARGIN_S` around it, faded in and out over 5 ms."""
    first = max(0, int((span.start_s - MARGIN_S) * rate_hz))
    part = samples[first : int((span.end_s + MARGIN_S) * rate_hz)].copy()
    fade = min(int(0.005 * rate_hz), len(part) // 2)
    if fade:
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        part[:fade] *= ramp
        part[-fade:] *= ramp[::-1]
    return part
