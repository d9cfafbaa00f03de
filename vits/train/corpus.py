"""Utterances in memory, and crops of them that a seed decides.

Every random choice of a step is drawn from ``[seed, stage, step]``, never from a running state:
a run that was stopped and resumed draws what an uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from vits.align import align
from vits.arrays import F32, I64
from vits.config import VoiceConfig
from vits.data.decode import resample
from vits.data.records import Dataset, Split
from vits.errors import BadData
from vits.train.features import magnitudes

Ids = Callable[[str, str], Sequence[int]]  # text, language -> ids of one utterance


@dataclass(slots=True)
class Utterance:
    """One clip, ready to learn from."""

    clip: str
    text: str
    ids: Tensor  # (T_text,) int64
    sound: Tensor  # (n,), n = T x hop
    spec: Tensor  # (F, T) magnitudes
    speaker: int
    path: Tensor | None = None  # (T,) int64, the symbol of each frame, once aligned
    hidden: Tensor | None = None  # (H, T_text) of the text encoder, while that is frozen
    latent: Tensor | None = None  # (2, C, T) mean and log deviation, while the reader is frozen

    @property
    def frames(self) -> int:
        """T."""
        return self.spec.shape[-1]


@dataclass(frozen=True, slots=True)
class Crop:
    """A batch of windows of equal length; ``first`` is where each begins, in frames."""

    utterances: tuple[Utterance, ...]
    first: tuple[int, ...]
    frames: int

    def spec(self) -> Tensor:
        """(B, F, T)."""
        return torch.stack([self._cut(u.spec, f) for u, f in self._pairs()])

    def sound(self, hop: int) -> Tensor:
        """(B, T x hop)."""
        return torch.stack([u.sound[f * hop : (f + self.frames) * hop] for u, f in self._pairs()])

    def latent(self) -> tuple[Tensor, Tensor]:
        """Mean and log deviation as they were read before, each (B, C, T)."""
        kept = [self._cut(_read(u), f) for u, f in self._pairs()]
        mean, log_std = torch.stack(kept, dim=1)
        return mean, log_std

    def symbols(self) -> list[Tensor]:
        """Per window, (T,) int64: which symbol each frame belongs to."""
        return [self._cut(_aligned(u), f) for u, f in self._pairs()]

    def speakers(self) -> Tensor:
        """(B,) int64."""
        return torch.tensor([u.speaker for u in self.utterances])

    def _cut(self, tensor: Tensor, first: int) -> Tensor:
        return tensor[..., first : first + self.frames]

    def _pairs(self) -> list[tuple[Utterance, int]]:
        return list(zip(self.utterances, self.first, strict=True))


def _aligned(utterance: Utterance) -> Tensor:
    if utterance.path is None:
        raise RuntimeError("crops are drawn after the first alignment")
    return utterance.path


def _read(utterance: Utterance) -> Tensor:
    if utterance.latent is None:
        raise RuntimeError("a latent is cut after it has been read")
    return utterance.latent


@dataclass(slots=True)
class Corpus:
    """The utterances of one split, of one or several speakers."""

    utterances: list[Utterance]
    weights: F32 = field(default_factory=lambda: np.zeros(0, np.float32))  # (N,) chance of each

    @classmethod
    def of(
        cls,
        datasets: Sequence[tuple[Dataset, int, float]],
        split: Split,
        config: VoiceConfig,
        ids: Ids,
    ) -> Corpus:
        """Read ``(data set, row of its speaker, share)`` triples, at the voice's rate.

        Raises:
            BadData: nothing left to learn from.
        """
        utterances: list[Utterance] = []
        chances: list[float] = []
        for dataset, speaker, share in datasets:
            begun = len(utterances)
            for clip in dataset.of(split):
                samples = resample(dataset.sound(clip), dataset.rate_hz, config.rate_hz)
                made = _utterance(samples, ids(clip.text, clip.language), config)
                if made is not None:
                    sound, symbols, spec = made
                    utterances.append(Utterance(clip.id, clip.text, symbols, sound, spec, speaker))
            lengths = [u.frames for u in utterances[begun:]]
            chances += [share * frames / max(1, sum(lengths)) for frames in lengths]
        if not utterances:
            raise BadData(f"there are no clips in the {split} split that the voice could read")
        weights = np.asarray(chances, np.float32)
        return cls(utterances, weights / weights.sum())

    def crop(self, random: np.random.Generator, batch: int, frames: int) -> Crop:
        """``batch`` windows of ``frames``, utterances chosen by their length and share."""
        fits = np.array([u.frames >= frames for u in self.utterances])
        if not fits.any():
            raise BadData(f"every clip is shorter than {frames} frames")
        chances = self.weights * fits
        picks = random.choice(len(self.utterances), batch, p=chances / chances.sum())
        chosen = tuple(self.utterances[i] for i in picks)
        first = tuple(int(random.integers(0, u.frames - frames + 1)) for u in chosen)
        return Crop(chosen, first, frames)

    def spoken_by(self, speakers: int) -> Corpus:
        """What the first ``speakers`` say. Raises BadData: nothing."""
        theirs = np.array([u.speaker < speakers for u in self.utterances])
        if not theirs.any():
            raise BadData("but for auxiliary ones there are no clips that the voice could read")
        weights = self.weights[theirs]
        said = [u for u in self.utterances if u.speaker < speakers]
        return Corpus(said, weights / weights.sum())

    def in_turn(self, most: int) -> list[Utterance]:
        """The first ``most`` utterances, a speaker after the other."""
        each: dict[int, list[Utterance]] = {}
        for utterance in self.utterances:
            each.setdefault(utterance.speaker, []).append(utterance)
        rounds = zip_longest(*each.values())
        return [found for one in rounds for found in one if found is not None][:most]

    def forget_latents(self) -> None:
        """What was read holds until the reader moves."""
        for utterance in self.utterances:
            utterance.latent = None

    def all_frames(self) -> Tensor:
        """(F, sum of T): for statistics by bin."""
        return torch.cat([u.spec for u in self.utterances], dim=1)


def _utterance(
    samples: F32, ids: Sequence[int], config: VoiceConfig
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Sound, ids and spectrogram; None where it cannot be learned from (no ids, too short)."""
    frames = len(samples) // config.hop
    if not ids or frames < max(len(ids), 8):
        return None
    sound = torch.from_numpy(samples[: frames * config.hop].copy())
    spec = magnitudes(sound[None], config.win, config.hop)[0]
    return sound, torch.tensor(list(ids)), spec


def align_utterance(mean: Tensor, log_std: Tensor, z_p: Tensor) -> I64:
    """Frames of each symbol, (T_text,), by the likeliest path (VITS equation 6).

    mean, log_std: (C, T_text) of the prior; z_p: (C, T) of the flow.
    """
    weight = torch.exp(-2 * log_std.double())
    fit = (
        (-log_std.double() - 0.5 * mean.double().square() * weight).sum(0)[None]
        - 0.5 * (z_p.double().square().T @ weight)
        + z_p.double().T @ (mean.double() * weight)
    )
    scores = fit.float().cpu().numpy()[None]
    found = align(scores, np.array([mean.shape[1]]), np.array([z_p.shape[1]]), threads=1)
    durations: I64 = found[0].astype(np.int64)
    return durations
