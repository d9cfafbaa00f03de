"""Text encoder (2.1.3, appendix B.1): symbols to the mean and deviation of the prior.

A transformer that knows positions only relatively (Shaw et al. 2018), with convolutions as its
feed-forward layers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vits.config import Architecture
from vits.nn.layers import ChannelNorm


class Encoded(NamedTuple):
    """What is known of each symbol."""

    hidden: Tensor  # (B, H, T_text), for the duration predictor
    mean: Tensor  # (B, C, T_text)
    log_std: Tensor  # (B, C, T_text)


class RelativeSelfAttention(nn.Module):
    """Self-attention whose keys and values also know how far apart two symbols are, up to w."""

    def __init__(self, channels: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        head = channels // heads
        # One table for all heads: row r is the distance r - w.
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, head) * head**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, head) * head**-0.5)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (B, H, T), mask: (B, 1, T) -> (B, H, T)."""
        q, k, v = (self._split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        q = q / math.sqrt(q.shape[-1])
        neighbour, inside = self._neighbours(x.shape[-1], x.device)

        scores = q @ k.transpose(-1, -2)  # (B, heads, T, T)
        by_distance = (q @ self.emb_rel_k[0].T) * inside  # (B, heads, T, 2w + 1)
        scores = scores.scatter_add(-1, neighbour.expand_as(by_distance), by_distance)
        both = mask.unsqueeze(2) * mask.unsqueeze(-1)  # (B, 1, T, T)
        weights = self.drop(scores.masked_fill(both == 0, -1e4).softmax(-1))

        near = weights.gather(-1, neighbour.expand_as(by_distance)) * inside
        mixed = weights @ v + near @ self.emb_rel_v[0]  # (B, heads, T, head)
        joined: Tensor = self.conv_o(mixed.transpose(2, 3).flatten(1, 2))
        return joined

    def _split(self, x: Tensor) -> Tensor:
        """(B, H, T) -> (B, heads, T, head)."""
        return x.view(x.shape[0], self.heads, -1, x.shape[-1]).transpose(2, 3)

    def _neighbours(self, steps: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """(T, 2w + 1): the index of each symbol's neighbours, and 1 where there is one."""
        offsets = torch.arange(-self.window, self.window + 1, device=device)
        index = torch.arange(steps, device=device)[:, None] + offsets
        inside = (index >= 0) & (index < steps)
        return index.clamp(0, steps - 1), inside.float()


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between. (B, H, T) -> (B, H, T)."""

    def __init__(self, channels: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, inner, kernel)
        self.conv_2 = nn.Conv1d(inner, channels, kernel)
        self.pad = ((kernel - 1) // 2, kernel // 2)  # an even kernel looks one further ahead
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.drop(F.relu(self.conv_1(F.pad(x * mask, self.pad))))
        y: Tensor = self.conv_2(F.pad(x * mask, self.pad))
        return y * mask


class Transformer(nn.Module):
    """Layers of attention and feed-forward, normalised after each sum."""

    def __init__(self, a: Architecture, dropout: float) -> None:
        super().__init__()
        width, layers = a.hidden_channels, range(a.n_layers)
        self.attn_layers = nn.ModuleList(
            RelativeSelfAttention(width, a.n_heads, a.window_size, dropout) for _ in layers
        )
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(width) for _ in layers)
        self.ffn_layers = nn.ModuleList(
            FeedForward(width, a.filter_channels, a.kernel_size, dropout) for _ in layers
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(width) for _ in layers)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x * mask
        for attend, norm_1, feed, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm_1(x + self.drop(attend(x, mask)))
            x = norm_2(x + self.drop(feed(x, mask)))
        return x * mask


class TextEncoder(nn.Module):
    """Symbols to hidden states and prior statistics."""

    def __init__(self, a: Architecture, dropout: float = 0.1) -> None:
        super().__init__()
        self.emb = nn.Embedding(a.n_symbols, a.hidden_channels)
        nn.init.normal_(self.emb.weight, 0.0, a.hidden_channels**-0.5)
        self.encoder = Transformer(a, dropout)
        self.proj = nn.Conv1d(a.hidden_channels, 2 * a.inter_channels, 1)
        self.scale = math.sqrt(a.hidden_channels)

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """ids: (B, T_text) int64, mask: (B, 1, T_text)."""
        x = (self.emb(ids) * self.scale).transpose(1, 2)
        hidden = self.encoder(x, mask)
        mean, log_std = (self.proj(hidden) * mask).chunk(2, dim=1)
        return Encoded(hidden, mean, log_std)
