"""Spectra that training reads and compares, in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def magnitudes(sound: Tensor, window: int, hop: int) -> Tensor:
    """Linear spectrogram as VITS computes it: sound (B, n) -> (B, window / 2 + 1, n / hop).

    Reflected padding of (window - hop) / 2, so that frame t is centred on its hop of sound.
    """
    pad = (window - hop) // 2
    padded = F.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    hann = torch.hann_window(window, device=sound.device)
    found = torch.stft(padded, window, hop, window, hann, center=False, return_complex=True)
    return (found.real.square() + found.imag.square() + 1e-6).sqrt()


class LowPass:
    """Takes away what recordings do not hold, so that nothing is learned from its absence.

    A windowed sinc of 255 taps, falling off below ``top_hz``; nothing at all where the recordings
    hold so much that it would not have room to fall.
    """

    def __init__(self, rate_hz: int, top_hz: float) -> None:
        share = 0.96 * top_hz / (rate_hz / 2)  # of the band: half the amplitude is left there
        self._taps: Tensor | None = None
        if share < 0.94:
            at = torch.arange(-127, 128, dtype=torch.float64)
            taps = share * torch.sinc(share * at) * torch.hann_window(255, False).double()
            self._taps = (taps / taps.sum()).float()[None]

    def __call__(self, sound: Tensor) -> Tensor:
        """(B, n) -> (B, n)."""
        if self._taps is None:
            return sound
        import torchaudio.functional as audio

        with torch.autocast(sound.device.type, enabled=False):
            # By Fourier transform: a third of the time that 255 taps take one by one.
            taps = self._taps.to(sound.device)
            left: Tensor = audio.fftconvolve(sound.float(), taps, mode="same")
            return left


class MelDistance:
    """L1 between log-mel spectra (VITS equation 2, there times 45)."""

    def __init__(self, rate_hz: int, top_hz: float, window: int = 1024, hop: int = 256) -> None:
        import torchaudio.functional as audio

        self._window, self._hop = window, hop
        self._bank = audio.melscale_fbanks(
            window // 2 + 1, 0.0, min(top_hz, rate_hz / 2), 80, rate_hz, norm="slaney"
        )

    def log_mel(self, sound: Tensor) -> Tensor:
        """(B, n) -> (B, 80, T)."""
        spec = magnitudes(sound, self._window, self._hop)
        bank = self._bank.to(sound.device)
        return torch.einsum("bft,fm->bmt", spec, bank).clamp_min(1e-5).log()

    def __call__(self, made: Tensor, real: Tensor) -> Tensor:
        """(B, n) and (B, n) -> a scalar."""
        return (self.log_mel(made) - self.log_mel(real)).abs().mean()


class SpectralDistance:
    """Multi-resolution STFT distance (Yamamoto et al. 2020): convergence plus log magnitude.

    In the latter bins weigh about as finely as hearing resolves there, 1 / (1 + f / 500 Hz): most
    of them lie above 3 kHz, but what makes a voice rough lies below (docs/decisions/0012).
    """

    def __init__(self, rate_hz: int) -> None:
        self._weights = {}
        for window in (512, 1024, 2048):
            weights = 1 / (1 + torch.linspace(0, rate_hz / 2, window // 2 + 1) / 500.0)
            self._weights[window] = (weights / weights.mean())[:, None]

    def __call__(self, made: Tensor, real: Tensor) -> Tensor:
        """(B, n) and (B, n) -> a scalar."""
        total = made.new_zeros(())
        for window, weights in self._weights.items():
            one, other = (magnitudes(each, window, window // 4) for each in (made, real))
            total = total + (one - other).norm() / other.norm().clamp_min(1e-5)
            apart = one.clamp_min(1e-5).log() - other.clamp_min(1e-5).log()
            total = total + (apart.abs() * weights.to(made.device)).mean()
        return total / len(self._weights)
