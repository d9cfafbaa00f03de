"""The prior's normalizing flow (2.1.3): between what the text predicts and what sounds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vits.config import Architecture
from vits.nn.layers import WaveNet


class Coupling(nn.Module):
    """Shifts the second half of the channels by what a WaveNet makes of the first.

    Only shifts (mean-only), so volume is preserved and the log-determinant is zero.
    """

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        half = a.inter_channels // 2
        self.pre = nn.Conv1d(half, a.hidden_channels, 1)
        self.enc = WaveNet(
            *(a.hidden_channels, a.flow_kernel_size, a.flow_n_layers, a.gin_channels, 0.0)
        )
        self.post = nn.Conv1d(a.hidden_channels, half, 1)
        nn.init.zeros_(self.post.weight)  # starts as the identity
        if self.post.bias is not None:
            nn.init.zeros_(self.post.bias)

    def shift(self, first: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """(B, C / 2, T) -> (B, C / 2, T)."""
        moved: Tensor = self.post(self.enc(self.pre(first) * mask, mask, speaker)) * mask
        return moved


class Flow(nn.Module):
    """Couplings with a flip of the channels after each."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        # Every second entry was a flip in the original; the gap keeps the names.
        self.flows = nn.ModuleDict({str(2 * i): Coupling(a) for i in range(a.flow_n_flows)})

    def _couplings(self) -> list[Coupling]:
        return [each for each in self.flows.values() if isinstance(each, Coupling)]

    def forward(self, z: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """What sounds to what the text should predict: z (B, C, T) -> z_p (B, C, T)."""
        for coupling in self._couplings():
            first, second = z.chunk(2, dim=1)
            second = second * mask + coupling.shift(first, mask, speaker)
            z = torch.cat([first, second], 1).flip(1)
        return z

    def inverse(self, z_p: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """What the text predicts to what sounds: z_p (B, C, T) -> z (B, C, T)."""
        z = z_p
        for coupling in reversed(self._couplings()):
            first, second = z.flip(1).chunk(2, dim=1)
            second = (second - coupling.shift(first, mask, speaker)) * mask
            z = torch.cat([first, second], 1)
        return z
