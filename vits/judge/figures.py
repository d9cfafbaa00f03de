"""How good is a voice: figures of what it says, beside recordings of the person it imitates.

Every judge is a network that was trained on other speech and is never used as a loss:
Resemblyzer (speaker likeness), Whisper (intelligibility), DNSMOS (quality).
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vits.arrays import F32
from vits.data.decode import resample
from vits.data.measure import Meter
from vits.engine.base import Style
from vits.errors import WITH_TORCH, MissingDependency
from vits.judge.whisper import RATE_HZ, Whisper, error_rate
from vits.speaking import VoiceSynthesizer as Synthesizer

LIKENESS_HZ = 16_000
HOW = f"judging needs: {WITH_TORCH}"


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence that a voice said, or a person."""

    text: str
    samples: F32  # (n,)
    rate_hz: int
    took_s: float = 0.0  # to synthesise; 0 for a recording
    number: int = 0  # of the text, among those that were to be said

    @property
    def sounding_s(self) -> float:
        """Seconds from the first sound to the last: what is within 40 dB of the loudest."""
        level = np.abs(self.samples)
        loud = np.flatnonzero(level > 0.01 * level.max(initial=0.0))
        return float(loud[-1] - loud[0] + 1) / self.rate_hz if len(loud) else 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Figures over a set of sentences. Likeness is a cosine, -1 to 1."""

    sentences: int
    seconds: float
    likeness: float  # mean cosine to the target's centroid
    likeness_worst: float
    likeness_base: float | None  # to the base voice's centroid
    word_errors: float  # share of words, or characters in Chinese and Japanese
    quality: float  # DNSMOS overall, mean
    pitch_hz: float  # median of medians
    rate_words_s: float  # words or characters a second: how fast it talks
    letter_s: float  # seconds for each letter or character, median of the sentences
    letter_spread_s: float  # between the quartiles of those
    real_time: float | None  # seconds of work per second of sound


class Likeness:
    """Speaker vectors by Resemblyzer (generalised end-to-end loss, Wan et al. 2018)."""

    def __init__(self) -> None:
        try:
            module: Any = importlib.import_module("resemblyzer")
        except ImportError as error:
            raise MissingDependency(HOW) from error
        self._prepare = module.preprocess_wav
        self._encoder = module.VoiceEncoder("cpu", verbose=False)

    def vector(self, said: Said) -> npt.NDArray[np.float32]:
        """The unit vector (256,) of one utterance."""
        wide = self._prepare(resample(said.samples, said.rate_hz, LIKENESS_HZ))
        return np.asarray(self._encoder.embed_utterance(wide), np.float32)

    def centroid(self, sayings: Sequence[Said]) -> npt.NDArray[np.float32]:
        """The unit vector (256,) of the mean of several utterances."""
        mean = np.mean([self.vector(said) for said in sayings], axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)


class Judge:
    """Loads the judges once; ``target`` and ``base`` are centroids of :class:`Likeness`."""

    def __init__(self, threads: int = 0) -> None:
        self.likeness = Likeness()
        self._meter = Meter()
        self._whisper = Whisper("base", threads=threads)

    def judge(
        self,
        sayings: Sequence[Said],
        language: str,
        target: npt.NDArray[np.float32],
        base: npt.NDArray[np.float32] | None = None,
    ) -> Judged:
        """Figures over ``sayings``, at least one."""
        vectors = [self.likeness.vector(said) for said in sayings]
        near = [float(vector @ target) for vector in vectors]
        figures = [self._meter.figures(said.samples, said.rate_hz) for said in sayings]
        wrong = total = 0
        for said in sayings:
            heard = self._whisper.hear(resample(said.samples, said.rate_hz, RATE_HZ), language)
            errors, units = error_rate(said.text, heard.text)
            wrong, total = wrong + errors, total + units
        seconds = sum(figure.seconds for figure in figures)
        pitches = [figure.pitch_hz for figure in figures if figure.pitch_hz]
        took_s = sum(said.took_s for said in sayings)
        letter_s, letter_spread_s = letter_lengths(sayings)
        return Judged(
            sentences=len(sayings),
            seconds=seconds,
            likeness=float(np.mean(near)),
            likeness_worst=min(near),
            likeness_base=float(np.mean([v @ base for v in vectors])) if base is not None else None,
            word_errors=wrong / max(1, total),
            quality=float(np.mean([figure.quality for figure in figures])),
            pitch_hz=float(np.median(pitches)) if pitches else 0.0,
            rate_words_s=total / seconds,
            letter_s=letter_s,
            letter_spread_s=letter_spread_s,
            real_time=took_s / seconds if took_s else None,
        )


def speak(
    synthesizer: Synthesizer, texts: Sequence[str], speaker: str | int | None = None
) -> list[Said]:
    """Each text said whole, with the time it took; the same each time.

    Texts that have no sound are passed over: ``number`` says which of ``texts`` each is.
    """
    sayings = []
    style = Style.of(synthesizer.config.defaults, seed=1)
    for number, text in enumerate(texts):
        begun = time.perf_counter()
        pieces = list(synthesizer.speak(text, style, speaker))
        took_s = time.perf_counter() - begun
        if pieces:
            sound = np.concatenate(pieces)
            sayings.append(Said(text, sound, synthesizer.rate_hz, took_s, number))
    return sayings


def letter_lengths(sayings: Sequence[Said]) -> tuple[float, float]:
    """Seconds that a letter (or a character without an alphabet) takes, pauses within a sentence
    included: the median of the sentences, and from their first quartile to their third."""
    each = [said.sounding_s / max(1, sum(map(str.isalnum, said.text))) for said in sayings]
    first, median, third = np.percentile(each, (25, 50, 75))
    return float(median), float(third - first)


def length_ratio(sayings: Sequence[Said], recorded: Sequence[Said]) -> float:
    """How long ``sayings`` are, all together, for each second of the same sentences recorded."""
    theirs = sum(said.sounding_s for said in recorded)
    return sum(said.sounding_s for said in sayings) / theirs if theirs else 0.0


def mel_distance(one: F32, other: F32, rate_hz: int) -> float:
    """Mean absolute difference of log-mel spectra along the best time alignment (DTW)."""
    librosa: Any = importlib.import_module("librosa")

    def mel(samples: F32) -> F32:
        power = librosa.feature.melspectrogram(
            y=samples, sr=rate_hz, n_fft=1024, hop_length=256, n_mels=80, fmax=8000
        )
        logs: F32 = np.log(np.maximum(power, 1e-5)).astype(np.float32)
        return logs

    a, b = mel(one), mel(other)
    _, path = librosa.sequence.dtw(a, b, metric="cityblock")
    return float(np.mean([np.abs(a[:, i] - b[:, j]).mean() for i, j in path]))
