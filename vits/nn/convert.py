"""Voice conversion (section 4.4): a recording said again by another speaker of the same voice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vits.arrays import F32
from vits.config import Architecture, VoiceConfig
from vits.engine.staged import decoder_reach, flow_reach
from vits.errors import BadAudio
from vits.nn.model import Vits
from vits.resample import resample

WINDOW = 512
"""Frames converted at once, beside their context: memory does not grow with the recording."""


def spectrogram(sound: Tensor, n_fft: int, hop: int, win: int) -> Tensor:
    """Linear magnitudes as the posterior encoder was trained on: (B, n) -> (B, F, n / hop)."""
    pad = (n_fft - hop) // 2
    padded = F.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    window = torch.hann_window(win, dtype=sound.dtype, device=sound.device)
    bins = torch.stft(
        padded, n_fft, hop, win, window=window, center=False, return_complex=True
    )  # fmt: skip
    return (torch.view_as_real(bins).square().sum(-1) + 1e-6).sqrt()


def reach(a: Architecture) -> int:
    """Frames on each side that one frame of converted sound depends on."""
    posterior = a.posterior_n_layers * (a.posterior_kernel_size // 2)
    # There and back: the coupling where the way turns looks at the same channels both times.
    turn = flow_reach(a) // a.flow_n_flows
    return posterior + 2 * flow_reach(a) - turn + decoder_reach(a)


class Converter:
    """A voice with several speakers, ready to convert."""

    def __init__(
        self, config: VoiceConfig, model: Vits, device: torch.device | None = None
    ) -> None:
        """Raises BadVoice: one speaker only, or no posterior encoder."""
        model.require_conversion()
        self._config = config
        self._device = device or torch.device("cpu")
        self._model = model.eval().to(self._device)

    def convert(
        self,
        sound: F32,
        rate_hz: int,
        source: str | int,
        target: str | int,
        *,
        seed: int | None = None,
        noise_scale: float = 1.0,
    ) -> Iterator[F32]:
        """Say ``sound`` again as another speaker.

        Args:
            sound: (n,) mono samples of ``source`` speaking, at any rate.
            rate_hz: its rate.
            source, target: speakers of the voice, by name or number.
            seed: the same seed gives the same sound.
            noise_scale: of the posterior's deviation.

        Returns:
            float32 pieces at the voice's rate; joined they are as long as the recording, to a
            frame.

        Raises:
            UnknownSpeaker: at the call.
            BadAudio: the recording is shorter than one window of the spectrogram; at the call.
        """
        rows = [self._config.speaker_id(speaker) for speaker in (source, target)]
        samples = resample(np.asarray(sound, np.float32), rate_hz, self._config.rate_hz)
        n_fft = 2 * (self._config.architecture.spec_channels - 1)
        if len(samples) < n_fft or not np.isfinite(samples).all():
            raise BadAudio("the recording is too short, or damaged")
        return self._pieces(torch.from_numpy(samples.copy()), rows, seed, noise_scale)

    @torch.inference_mode()
    def _pieces(
        self, samples: Tensor, rows: list[int], seed: int | None, noise_scale: float
    ) -> Iterator[F32]:
        a, hop, device = self._config.architecture, self._config.hop, self._device
        n_fft = 2 * (a.spec_channels - 1)
        spec = spectrogram(samples[None], n_fft, hop, self._config.win)
        frames = spec.shape[-1]
        random = torch.Generator()
        if seed is None:
            random.seed()
        else:
            random.manual_seed(seed)
        noise = torch.randn(1, a.inter_channels, frames, generator=random) * noise_scale
        source, target = (torch.tensor([row], device=device) for row in rows)
        context = reach(a)
        for start in range(0, frames, WINDOW):
            low, high = max(0, start - context), min(frames, start + WINDOW + context)
            length = torch.tensor([high - low], device=device)
            heard, drawn = (each[..., low:high].to(device) for each in (spec, noise))
            part = self._model.convert(heard, length, source, target, drawn)
            end = min(frames, start + WINDOW)
            found: F32 = part[0, 0, (start - low) * hop : (end - low) * hop].cpu().numpy()
            yield found
