"""How long each symbol sounds: the stochastic predictor (2.2.2, B.2) and the deterministic one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vits.config import Architecture
from vits.nn.layers import ChannelNorm, DepthSeparable
from vits.nn.splines import spline

Step = tuple[Tensor, Tensor]  # a value (B, 2, T_text) and a log-determinant (B,)


class Affine(nn.Module):
    """Per-channel shift and scale, invertible."""

    def __init__(self) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(2, 1))
        self.logs = nn.Parameter(torch.zeros(2, 1))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> Step:
        del condition
        return (self.m + self.logs.exp() * x) * mask, (self.logs * mask).sum((1, 2))

    def inverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        del condition
        return (y - self.m) * (-self.logs).exp() * mask


class SplineFlow(nn.Module):
    """The second channel through a spline whose form the first channel and the text choose."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        width = a.dp_filter_channels
        self.bins = a.dp_n_bins
        self.bound = a.dp_tail_bound
        self.scale = 1 / math.sqrt(width)
        self.pre = nn.Conv1d(1, width, 1)
        self.convs = DepthSeparable(width, a.dp_kernel_size, a.dp_dds_layers, 0.0)
        self.proj = nn.Conv1d(width, 3 * a.dp_n_bins - 1, 1)
        nn.init.zeros_(self.proj.weight)  # starts as the identity
        if self.proj.bias is not None:
            nn.init.zeros_(self.proj.bias)

    def _map(self, x: Tensor, mask: Tensor, condition: Tensor, *, inverse: bool) -> Step:
        first, second = x.chunk(2, dim=1)
        h = self.proj(self.convs(self.pre(first), mask, condition)) * mask
        h = h.transpose(1, 2).unsqueeze(1)  # (B, 1, T_text, 3 bins - 1)
        widths, heights, slopes = h.split([self.bins, self.bins, self.bins - 1], dim=-1)
        second, log_slope = spline(
            *(second, widths * self.scale, heights * self.scale, slopes, self.bound),
            inverse=inverse,
        )
        return torch.cat([first, second], 1) * mask, (log_slope * mask).sum((1, 2))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> Step:
        return self._map(x, mask, condition, inverse=False)

    def inverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        return self._map(y, mask, condition, inverse=True)[0]


class Flip(nn.Module):
    """Swaps the two channels. Holds nothing; keeps the numbering of the original's lists."""

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> Step:
        del mask, condition
        return x.flip(1), x.new_zeros(x.shape[0])

    def inverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        del mask, condition
        return y.flip(1)


def _chain(a: Architecture) -> nn.ModuleList:
    chain: list[nn.Module] = [Affine()]
    for _ in range(a.dp_n_flows):
        chain += [SplineFlow(a), Flip()]
    return nn.ModuleList(chain)


def _standard_nll(x: Tensor, mask: Tensor) -> Tensor:
    """(B,) negative log-likelihood of x under a standard normal."""
    return (0.5 * (math.log(2 * math.pi) + x * x) * mask).sum((1, 2))


class StochasticDurations(nn.Module):
    """Durations are drawn, as people's are: a flow from noise to log-duration (2.2.2)."""

    def __init__(self, a: Architecture, dropout: float = 0.5) -> None:
        super().__init__()
        width = a.dp_filter_channels
        self.pre = nn.Conv1d(a.hidden_channels, width, 1)
        self.convs = DepthSeparable(width, a.dp_kernel_size, a.dp_dds_layers, dropout)
        self.proj = nn.Conv1d(width, width, 1)
        self.flows = _chain(a)
        # The rest is for training: it dequantises durations and finds their second channel.
        self.post_pre = nn.Conv1d(1, width, 1)
        self.post_convs = DepthSeparable(width, a.dp_kernel_size, a.dp_dds_layers, dropout)
        self.post_proj = nn.Conv1d(width, width, 1)
        self.post_flows = _chain(a)
        self.cond = nn.Conv1d(a.gin_channels, width, 1) if a.gin_channels else None

    def _condition(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        x: Tensor = self.pre(hidden.detach())  # this loss must not bend the text encoder
        if self.cond is not None and speaker is not None:
            x = x + self.cond(speaker.detach())
        projected: Tensor = self.proj(self.convs(x, mask)) * mask
        return projected

    def sample(
        self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """Log-durations in frames.

        Args:
            hidden: (B, H, T_text) of the text encoder; mask: (B, 1, T_text).
            noise: (B, 2, T_text), already times noise_w.
            speaker: (B, G, 1).

        Returns:
            (B, T_text).
        """
        condition = self._condition(hidden, mask, speaker)
        z = noise
        # The original drops the first spline when sampling ("a useless vflow"), so do exports;
        # its flip stays, which is why the affine step sees the channels as in training.
        for index in [*range(len(self.flows) - 1, 1, -1), 0]:
            z = _inverse(self.flows[index], z, mask, condition)
        return z[:, 0]

    def nll(
        self,
        hidden: Tensor,
        mask: Tensor,
        durations: Tensor,
        speaker: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Upper bound of the negative log-likelihood of durations (equation 7): the loss.

        Args:
            hidden, mask, speaker: as in :meth:`sample`.
            durations: (B, 1, T_text) frames.
            noise: (B, 2, T_text) for the dequantisation; drawn if None.

        Returns:
            (B,) in nats, summed over symbols.
        """
        condition = self._condition(hidden, mask, speaker)
        seen = self.post_proj(self.post_convs(self.post_pre(durations), mask)) * mask
        drawn = torch.randn_like(durations.expand(-1, 2, -1)) if noise is None else noise
        z = drawn * mask
        log_q = -_standard_nll(z, mask)
        for flow in self.post_flows:
            z, log_det = flow(z, mask, condition + seen)
            log_q = log_q - log_det
        raw, second = z.chunk(2, dim=1)
        fraction = raw.sigmoid() * mask  # a whole duration d becomes d - u, u in (0, 1)
        log_q = log_q - ((F.logsigmoid(raw) + F.logsigmoid(-raw)) * mask).sum((1, 2))
        log_duration = ((durations - fraction) * mask).clamp_min(1e-5).log() * mask
        log_p = -log_duration.sum((1, 2))
        x = torch.cat([log_duration, second], 1)
        for flow in self.flows:
            x, log_det = flow(x, mask, condition)
            log_p = log_p + log_det
        return _standard_nll(x, mask) - log_p + log_q


def _inverse(step: nn.Module, z: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
    if not isinstance(step, (Affine, SplineFlow, Flip)):
        raise TypeError(type(step).__name__)
    return step.inverse(z, mask, condition)


class Durations(nn.Module):
    """The deterministic predictor: the same durations every time (FastSpeech's, section 3.3)."""

    def __init__(self, a: Architecture, dropout: float = 0.5) -> None:
        super().__init__()
        width, kernel = a.dp_filter_channels, a.dp_kernel_size
        self.conv_1 = nn.Conv1d(a.hidden_channels, width, kernel, padding=kernel // 2)
        self.norm_1 = ChannelNorm(width)
        self.conv_2 = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.norm_2 = ChannelNorm(width)
        self.proj = nn.Conv1d(width, 1, 1)
        self.cond = nn.Conv1d(a.gin_channels, a.hidden_channels, 1) if a.gin_channels else None
        self.drop = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """hidden: (B, H, T_text) -> log-durations (B, T_text)."""
        x = hidden.detach()
        if self.cond is not None and speaker is not None:
            x = x + self.cond(speaker.detach())
        x = self.drop(self.norm_1(F.relu(self.conv_1(x * mask))))
        x = self.drop(self.norm_2(F.relu(self.conv_2(x * mask))))
        logs: Tensor = self.proj(x * mask) * mask
        return logs[:, 0]
