"""Discriminators: is this sound real? By periods and scales (HiFi-GAN), and by spectra.

``width`` scales their channels: 1.0 is the paper's size; a fine-tuning on a CPU uses less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from vits.train.features import magnitudes

Layers = list[Tensor]  # what each layer saw, the last is the verdict


@dataclass(frozen=True, slots=True)
class Critics:
    """Which discriminators a stage uses."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    scales: int = 1
    windows: tuple[int, ...] = ()
    width: float = 1.0


def _chain(convs: Sequence[nn.Module], x: Tensor) -> Layers:
    seen: Layers = []
    for conv in convs[:-1]:
        x = F.leaky_relu(conv(x), 0.1)
        seen.append(x)
    seen.append(convs[-1](x).flatten(1))
    return seen


class ByPeriod(nn.Module):
    """Sees every ``period``-th sample as a column (HiFi-GAN, section 2.3)."""

    def __init__(self, period: int, width: float) -> None:
        super().__init__()
        self.period = period
        sizes = [1, *(max(8, int(c * width)) for c in (32, 128, 512, 1024))]
        convs: list[nn.Module] = [
            weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0))) for a, b in pairwise(sizes)
        ]
        convs.append(weight_norm(nn.Conv2d(sizes[-1], sizes[-1], (5, 1), 1, (2, 0))))
        convs.append(weight_norm(nn.Conv2d(sizes[-1], 1, (3, 1), 1, (1, 0))))
        self.convs = nn.ModuleList(convs)

    def forward(self, sound: Tensor) -> Layers:
        """sound: (B, 1, n)."""
        short = -sound.shape[-1] % self.period
        x = F.pad(sound, (0, short), mode="reflect") if short else sound
        columns = x.reshape(*x.shape[:2], -1, self.period)
        return _chain(list(self.convs), columns)


class ByScale(nn.Module):
    """Sees the sound itself, or an average of it (MelGAN's multi-scale discriminator)."""

    def __init__(self, pool: int, width: float) -> None:
        super().__init__()
        self.pool = pool
        sizes = [max(16, int(c * width) // 16 * 16) for c in (16, 64, 256, 1024, 1024, 1024)]
        self.convs = nn.ModuleList(
            [
                weight_norm(nn.Conv1d(1, sizes[0], 15, 1, 7)),
                *(
                    weight_norm(nn.Conv1d(a, b, 41, 4, 20, groups=max(1, min(a, b) // 4)))
                    for a, b in pairwise(sizes[:5])
                ),
                weight_norm(nn.Conv1d(sizes[4], sizes[5], 5, 1, 2)),
                weight_norm(nn.Conv1d(sizes[5], 1, 3, 1, 1)),
            ]
        )

    def forward(self, sound: Tensor) -> Layers:
        """sound: (B, 1, n)."""
        x = F.avg_pool1d(sound, 2 * self.pool, self.pool, self.pool) if self.pool > 1 else sound
        return _chain(list(self.convs), x)


class BySpectrum(nn.Module):
    """Sees a magnitude spectrogram (UnivNet, Jang et al. 2021, section 2.2)."""

    def __init__(self, window: int, width: float) -> None:
        super().__init__()
        self.window = window
        c = max(8, int(64 * width))
        self.convs = nn.ModuleList(
            [
                # The stride is ours: half the places with twice the channels cost less here.
                weight_norm(nn.Conv2d(1, c, (3, 9), (1, 2), (1, 4))),
                *(weight_norm(nn.Conv2d(c, c, (3, 9), (1, 2), (1, 4))) for _ in range(3)),
                weight_norm(nn.Conv2d(c, c, 3, 1, 1)),
                weight_norm(nn.Conv2d(c, 1, 3, 1, 1)),
            ]
        )

    def forward(self, sound: Tensor) -> Layers:
        """sound: (B, 1, n)."""
        spec = magnitudes(sound.squeeze(1), self.window, self.window // 4)
        return _chain(list(self.convs), spec.transpose(1, 2).unsqueeze(1))


class Discriminator(nn.Module):
    """All of a stage's critics."""

    def __init__(self, critics: Critics) -> None:
        super().__init__()
        every: list[nn.Module] = [ByPeriod(p, critics.width) for p in critics.periods]
        every += [ByScale(2**i, critics.width) for i in range(critics.scales)]
        every += [BySpectrum(w, critics.width) for w in critics.windows]
        self.critics = nn.ModuleList(every)

    def forward(self, sound: Tensor) -> list[Layers]:
        """What each critic saw of sound (B, 1, n)."""
        return [critic(sound) for critic in self.critics]


def judge_loss(real: list[Layers], made: list[Layers]) -> Tensor:
    """Least-squares loss of the discriminators (VITS equation 8), of all of them together."""
    return torch.stack(
        [
            (1 - r[-1]).square().mean() + m[-1].square().mean()
            for r, m in zip(real, made, strict=True)
        ]
    ).sum()


def fool_loss(made: list[Layers]) -> Tensor:
    """Least-squares loss of the generator (equation 9), of all discriminators together."""
    return torch.stack([(1 - m[-1]).square().mean() for m in made]).sum()


def feature_loss(real: list[Layers], made: list[Layers]) -> Tensor:
    """Feature matching (equation 10): the mean distance in each layer, of all of them together."""
    parts = [
        (m - r.detach()).abs().mean()
        for seen_r, seen_m in zip(real, made, strict=True)
        for r, m in zip(seen_r, seen_m, strict=True)
    ]
    return torch.stack(parts).sum()
