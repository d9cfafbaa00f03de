"""The whole network, and how a voice folder becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vits import layout
from vits.arrays import F32
from vits.config import Architecture, VoiceConfig
from vits.errors import BadVoice
from vits.io.folder import listed, read_voice
from vits.nn.decoder import Generator
from vits.nn.durations import Durations, StochasticDurations
from vits.nn.flow import Flow
from vits.nn.layers import sequence_mask
from vits.nn.posterior import PosteriorEncoder
from vits.nn.text_encoder import TextEncoder


class Vits(nn.Module):
    """Conditional variational autoencoder for speech (figure 1 of the paper)."""

    def __init__(self, a: Architecture, *, posterior: bool | None = None) -> None:
        """``posterior``: whether to have a posterior encoder; by default as the voice has."""
        super().__init__()
        self.architecture = a
        self.enc_p = TextEncoder(a)
        self.dp: StochasticDurations | Durations = (
            StochasticDurations(a) if a.use_sdp else Durations(a)
        )
        self.flow = Flow(a)
        self.dec = Generator(a)
        wanted = a.has_posterior if posterior is None else posterior
        self.enc_q = PosteriorEncoder(a) if wanted else None
        self.emb_g = nn.Embedding(a.n_speakers, a.gin_channels) if a.n_speakers else None

    def speaker(self, rows: Tensor) -> Tensor | None:
        """Speaker numbers (B,) int64 -> vectors (B, G, 1); None in a voice with one speaker."""
        return None if self.emb_g is None else self.emb_g(rows).unsqueeze(-1)

    def log_durations(
        self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None
    ) -> Tensor:
        """(B, T_text), of whichever predictor there is; noise (B, 2, T_text) times noise_w."""
        if isinstance(self.dp, StochasticDurations):
            return self.dp.sample(hidden, mask, noise, speaker)
        durations: Tensor = self.dp(hidden, mask, speaker)
        return durations

    def require_conversion(self) -> PosteriorEncoder:
        """The posterior encoder of a voice that can convert.

        Raises:
            BadVoice: it has one speaker, or no posterior encoder.
        """
        if self.enc_q is None or self.emb_g is None:
            raise BadVoice(
                "conversion needs a voice with several speakers and a posterior encoder; "
                "voices exported only to speak have none"
            )
        return self.enc_q

    def convert(
        self,
        spec: Tensor,
        lengths: Tensor,
        source: Tensor,
        target: Tensor,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Voice conversion (section 4.4): the same speech by another speaker of this voice.

        Args:
            spec: (B, spec_channels, T) magnitudes; lengths: (B,) frames.
            source, target: (B,) speaker numbers.
            noise: (B, C, T) for the posterior; drawn if None.

        Returns:
            (B, 1, n).

        Raises:
            BadVoice: the voice has one speaker, or no posterior encoder.
        """
        encoder = self.require_conversion()
        mask = sequence_mask(lengths, spec.shape[-1])
        one, other = self.speaker(source), self.speaker(target)
        z = encoder(spec, mask, one, noise).z
        z = self.flow.inverse(self.flow(z, mask, one), mask, other)
        sound: Tensor = self.dec(z * mask, other)
        return sound


def build(config: VoiceConfig, tensors: Mapping[str, F32]) -> Vits:
    """A network with a voice's tensors, in evaluation mode.

    What a voice made only to speak lacks (:func:`vits.layout.training_only`) keeps its random
    start: it is used in training alone.

    Raises:
        BadVoice: a tensor that is used to speak is missing.
    """
    model = Vits(config.architecture)
    state = {name: torch.from_numpy(tensors[name].copy()) for name in tensors}
    result = model.load_state_dict(state, strict=False)
    optional = layout.training_only(config.architecture)
    missing = [f"{name} is missing" for name in result.missing_keys if name not in optional]
    if missing:
        raise BadVoice(f"{config.name}: {listed(missing)}")
    return model.eval()


def load(folder: Path) -> tuple[VoiceConfig, Vits]:
    """The network of a voice folder. Raises BadVoice."""
    config, tensors = read_voice(folder)
    return config, build(config, tensors)
