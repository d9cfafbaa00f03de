"""Decoder: the HiFi-GAN generator (2.3; Kong, Kim and Bae 2020), latent frames to sound."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vits.config import Architecture


def _conv(width: int, kernel: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(width, width, kernel, dilation=dilation, padding=dilation * (kernel // 2))


class ResBlock1(nn.Module):
    """HiFi-GAN's larger block: after each dilated convolution a plain one."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs1 = nn.ModuleList(_conv(width, kernel, d) for d in dilations)
        self.convs2 = nn.ModuleList(_conv(width, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            y = first(F.leaky_relu(x, self.slope))
            x = x + second(F.leaky_relu(y, self.slope))
        return x


class ResBlock2(nn.Module):
    """HiFi-GAN's smaller block: dilated convolutions only."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs = nn.ModuleList(_conv(width, kernel, d) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, self.slope))
        return x


class Generator(nn.Module):
    """Upsampling stages, each followed by the mean of parallel residual blocks."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        width = a.upsample_initial_channel
        self.slope = a.leaky_slope
        self.parallel = len(a.resblock_kernel_sizes)
        self.conv_pre = nn.Conv1d(a.inter_channels, width, 7, padding=3)
        self.cond = nn.Conv1d(a.gin_channels, width, 1) if a.gin_channels else None
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        block = ResBlock1 if a.resblock == "1" else ResBlock2
        shapes = list(zip(a.resblock_kernel_sizes, a.resblock_dilation_sizes, strict=True))
        for rate, kernel in zip(a.upsample_rates, a.upsample_kernel_sizes, strict=True):
            pad = (kernel - rate) // 2
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=pad))
            width //= 2
            self.resblocks.extend(block(width, k, d, a.leaky_slope) for k, d in shapes)
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=False)

    def forward(self, z: Tensor, speaker: Tensor | None = None) -> Tensor:
        """z: (B, C, T), speaker: (B, G, 1) -> sound (B, 1, n) within [-1, 1]."""
        x = self.conv_pre(z)
        if self.cond is not None and speaker is not None:
            x = x + self.cond(speaker)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, self.slope))
            at = stage * self.parallel
            blocks = self.resblocks[at : at + self.parallel]
            x = torch.stack([block(x) for block in blocks]).sum(0) / self.parallel
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.01)))
