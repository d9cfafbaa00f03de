"""What several parts share: masks, channel normalisation, WaveNet and depth-separable stacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def sequence_mask(lengths: Tensor, longest: int) -> Tensor:
    """(B,) lengths -> (B, 1, longest) float mask."""
    steps = torch.arange(longest, device=lengths.device)
    return (steps[None, :] < lengths[:, None]).unsqueeze(1).float()


class ChannelNorm(nn.Module):
    """Layer normalisation over channels, each time step by itself. (B, H, T) -> (B, H, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        channels_last = x.transpose(1, 2)
        normed = F.layer_norm(channels_last, self.gamma.shape, self.gamma, self.beta, 1e-5)
        return normed.transpose(1, 2)


class WaveNet(nn.Module):
    """Gated convolutions with residual and skip paths (2.1.2; van den Oord et al. 2016).

    Used by the flow and by the posterior encoder, not causal, without dilation in VITS.
    """

    def __init__(self, hidden: int, kernel: int, layers: int, gin: int, dropout: float) -> None:
        super().__init__()
        self.hidden = hidden
        self.in_layers = nn.ModuleList(
            nn.Conv1d(hidden, 2 * hidden, kernel, padding=kernel // 2) for _ in range(layers)
        )
        # The last layer feeds the skip path alone.
        self.res_skip_layers = nn.ModuleList(
            nn.Conv1d(hidden, hidden if i == layers - 1 else 2 * hidden, 1) for i in range(layers)
        )
        self.cond_layer = nn.Conv1d(gin, 2 * hidden * layers, 1) if gin else None
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: (B, H, T), mask: (B, 1, T), speaker: (B, G, 1) -> (B, H, T)."""
        total = torch.zeros_like(x)
        conditions: list[Tensor | None] = [None] * len(self.in_layers)
        if self.cond_layer is not None and speaker is not None:
            conditions = list(self.cond_layer(speaker).chunk(len(self.in_layers), dim=1))
        for conv, out, condition in zip(
            self.in_layers, self.res_skip_layers, conditions, strict=True
        ):
            gates = conv(x)
            if condition is not None:
                gates = gates + condition
            tanh, sigmoid = gates.chunk(2, dim=1)
            y = out(self.drop(torch.tanh(tanh) * torch.sigmoid(sigmoid)))
            if y.shape[1] > self.hidden:
                x = (x + y[:, : self.hidden]) * mask
            total = total + y[:, -self.hidden :]
        return total * mask


class DepthSeparable(nn.Module):
    """Dilated depth-separable convolutions of the duration predictor (appendix B.2)."""

    def __init__(self, channels: int, kernel: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.convs_sep = nn.ModuleList(
            nn.Conv1d(
                channels,
                channels,
                kernel,
                groups=channels,
                dilation=kernel**i,
                padding=kernel**i * (kernel - 1) // 2,
            )
            for i in range(layers)
        )
        self.convs_1x1 = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers))
        self.norms_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.norms_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """x and condition: (B, channels, T_text) -> (B, channels, T_text)."""
        if condition is not None:
            x = x + condition
        for sep, point, norm_1, norm_2 in zip(
            self.convs_sep, self.convs_1x1, self.norms_1, self.norms_2, strict=True
        ):
            y = F.gelu(norm_1(sep(x * mask)))
            y = F.gelu(norm_2(point(y)))
            x = x + self.drop(y)
        return x * mask
