"""Posterior encoder (2.1.2): from a recording's spectrogram to the latent that would say it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vits.config import Architecture
from vits.nn.layers import WaveNet


class Posterior(NamedTuple):
    """A draw, and the normal distribution it is from; each (B, C, T)."""

    z: Tensor
    mean: Tensor
    log_std: Tensor


class PosteriorEncoder(nn.Module):
    """A deep WaveNet over linear-spectrogram frames."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.pre = nn.Conv1d(a.spec_channels, a.hidden_channels, 1)
        self.enc = WaveNet(
            *(a.hidden_channels, a.posterior_kernel_size, a.posterior_n_layers),
            *(a.gin_channels, 0.0),
        )
        self.proj = nn.Conv1d(a.hidden_channels, 2 * a.inter_channels, 1)

    def forward(
        self, spec: Tensor, mask: Tensor, speaker: Tensor | None = None, noise: Tensor | None = None
    ) -> Posterior:
        """spec: (B, spec_channels, T) magnitudes; noise: (B, C, T), drawn if None."""
        x = self.enc(self.pre(spec) * mask, mask, speaker)
        mean, log_std = (self.proj(x) * mask).chunk(2, dim=1)
        drawn = torch.randn_like(mean) if noise is None else noise
        return Posterior((mean + drawn * log_std.exp()) * mask, mean, log_std)
