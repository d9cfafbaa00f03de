"""Other people out of one voice: its pitch and its formants moved, each by a factor of its own.

Playing speech ``pitch`` times as fast moves both by ``pitch``; a filter that changes with the
spectral envelope then puts the formants where they are wanted. What is left of the one voice is
how it moves, not how it sounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

WINDOW, HOP = 1024, 256
STEPS = 20
"""Pitch factors are multiples of 1/20: the resampler's filter stays short."""

RANGE_HZ = (80.0, 260.0)
"""Median pitches of people; a child's is above, few men's below."""


@dataclass(frozen=True, slots=True)
class Warp:
    """Of one imagined person and their microphone."""

    pitch: float = 1.0
    formants: float = 1.0
    top_hz: float | None = None  # recordings often end at 8 kHz
    tilt_db: float = 0.0  # from the lowest frequency to the highest


def draw(random: np.random.Generator, own_hz: float) -> Warp:
    """Somebody else: a pitch that people have, formants that mostly go with it."""
    low, high = (max(0.5, min(3.0, hz / own_hz)) for hz in RANGE_HZ)
    pitch = round(math.exp(random.uniform(math.log(low), math.log(high))) * STEPS) / STEPS
    usual = 1.0 + 0.12 * math.log2(pitch)
    formants = float(np.clip(random.normal(usual, 0.07), 0.8, 1.35))
    top_hz = 8_000.0 if random.random() < 0.5 else None
    return Warp(pitch, round(formants, 2), top_hz, float(random.uniform(-6, 6)))


def warp(sound: Tensor, rate_hz: int, how: Warp, own_hz: float) -> Tensor:
    """``sound`` (n,) as somebody else would say it, ``how.pitch`` times as fast: (n / pitch,).

    Args:
        own_hz: median pitch of ``sound``: the envelope is what is coarser than its harmonics.
    """
    import torchaudio.functional as audio

    made = sound
    if how.pitch != 1:
        made = audio.resample(sound, round(how.pitch * STEPS), STEPS)
    if how.formants != how.pitch:
        made = _with_formants(made, sound, rate_hz, how, own_hz)
    if how.top_hz and how.top_hz < rate_hz / 2:
        low_hz = int(2 * how.top_hz)
        made = audio.resample(audio.resample(made, rate_hz, low_hz), low_hz, rate_hz)
    if how.tilt_db:
        spectrum = torch.fft.rfft(made)
        slope_db = how.tilt_db * torch.linspace(-0.3, 0.7, len(spectrum))
        made = torch.fft.irfft(spectrum * 10 ** (slope_db / 20), len(made))
    made = made * (sound.std() / made.std().clamp_min(1e-4))
    return made / max(1.0, float(made.abs().max()) / 0.98)


def _with_formants(made: Tensor, sound: Tensor, rate_hz: int, how: Warp, own_hz: float) -> Tensor:
    """``made``, ``sound`` played faster, with the formants of ``sound`` times ``how.formants``."""
    hann = torch.hann_window(WINDOW)
    spectrum, original = (
        torch.stft(x, WINDOW, HOP, WINDOW, hann, return_complex=True) for x in (made, sound)
    )
    has = _envelope(spectrum, rate_hz, own_hz * how.pitch)
    wanted = _envelope(original, rate_hz, own_hz)
    wanted = _read_at(wanted, torch.arange(spectrum.shape[1]) * how.pitch)
    wanted = _read_at(wanted.T, torch.arange(spectrum.shape[0]) / how.formants).T
    gain = (wanted - has).clamp(-4, 3).exp()
    return torch.istft(spectrum * gain, WINDOW, HOP, WINDOW, hann, length=len(made))


def _envelope(spectrum: Tensor, rate_hz: int, pitch_hz: float) -> Tensor:
    """Log magnitude without its harmonics, (bins, T): the cepstrum below half a period."""
    logs = spectrum.abs().clamp_min(1e-4).log()
    cepstrum = torch.fft.irfft(logs, dim=0)
    cut = max(16, int(0.5 * rate_hz / pitch_hz))
    distance = torch.arange(len(cepstrum)).minimum(len(cepstrum) - torch.arange(len(cepstrum)))
    past = ((distance - cut) / (cut / 4)).clamp(0, 1)
    lifter = 0.5 * (1 + torch.cos(math.pi * past))
    smooth: Tensor = torch.fft.rfft(cepstrum * lifter[:, None], dim=0).real
    return smooth


def _read_at(table: Tensor, places: Tensor) -> Tensor:
    """(R, N) at fractional columns ``places`` (M,): (R, M), held beyond the end."""
    places = places.clamp(max=table.shape[1] - 1)
    first = places.long()
    share = places - first
    following = (first + 1).clamp(max=table.shape[1] - 1)
    return table[:, first] * (1 - share) + table[:, following] * share


def stretched(latent: Tensor, how: Warp, frames: int) -> Tensor:
    """A latent (C, T) as it lies under the warped sound: (C, ``frames``)."""
    return _read_at(latent, torch.arange(frames) * how.pitch)
