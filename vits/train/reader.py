"""The posterior encoder as training uses it, and how one is taught to a voice that lacks it.

Voices exported to speak (Piper's) have no posterior encoder. Their generator is frozen and asked
to say sentences; from those sounds, whose latents are known, a new encoder learns to read the
latent back. It reads log magnitudes, normalised by bin, so that another person's recordings can
be brought to the same mean; its deviation is one number a channel, measured on what it misses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vits.config import Architecture
from vits.nn.posterior import Posterior, PosteriorEncoder


class Reader(nn.Module):
    """Reads a latent from a spectrogram.

    ``taught``: log magnitudes normalised by bin, deviation per channel. Otherwise the posterior
    encoder that came with the voice, as VITS has it (2.1.2).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, a: Architecture, *, taught: bool) -> None:
        super().__init__()
        self.taught = taught
        self.enc = PosteriorEncoder(a)
        self.log_std = nn.Parameter(torch.full((a.inter_channels, 1), -1.0))
        self.register_buffer("mean", torch.zeros(a.spec_channels, 1))
        self.register_buffer("deviation", torch.ones(a.spec_channels, 1))

    def forward(
        self, spec: Tensor, mask: Tensor, speaker: Tensor | None, noise: Tensor
    ) -> Posterior:
        """spec: (B, F, T) magnitudes; mask: (B, 1, T); noise: (B, C, T)."""
        if not self.taught:
            found: Posterior = self.enc(spec, mask, speaker, noise)
            return found
        seen = (spec.log() - self.mean) / self.deviation
        mean = self.enc(seen * mask, mask, speaker).mean
        log_std = self.log_std.expand_as(mean)
        return Posterior((mean + noise * log_std.exp()) * mask, mean, log_std)

    @torch.no_grad()
    def hear_room(self, spec: Tensor) -> None:
        """Take the mean by bin from recordings, spec (F, T): a new room, microphone and person.

        The deviation stays that of the sounds it was taught on, so that the scale of what it
        reads stays too.
        """
        if self.taught:
            self.mean.copy_(spec.log().mean(1, keepdim=True))

    @torch.no_grad()
    def ignore_speakers(self) -> None:
        """Read alike whoever speaks, until training has found out who reads how."""
        if (layer := self.enc.enc.cond_layer) is not None:
            for parameter in layer.parameters():
                parameter.zero_()

    @torch.no_grad()
    def hear_teacher(self, spec: Tensor) -> None:
        """Take mean and deviation by bin from the teacher's sounds, spec (F, T)."""
        logs = spec.log()
        self.mean.copy_(logs.mean(1, keepdim=True))
        self.deviation.copy_(logs.std(1, keepdim=True).clamp_min(0.1))
