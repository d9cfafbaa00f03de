"""Distances that a decoder learns from, on sounds whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vits.train.features import MelDistance, SpectralDistance, magnitudes

RATE_HZ = 22_050


def noise(seed: int) -> Tensor:
    """(2, 16384), the same for the same seed."""
    return 0.1 * torch.randn(2, 16_384, generator=torch.Generator().manual_seed(seed))


def tilted(sound: Tensor, low_hz: float, high_hz: float) -> Tensor:
    """``sound``, 6 dB louder from ``low_hz`` to ``high_hz``."""
    spectrum = torch.fft.rfft(sound)
    at_hz = torch.fft.rfftfreq(sound.shape[-1], 1 / RATE_HZ)
    louder = torch.where((at_hz >= low_hz) & (at_hz < high_hz), 2.0, 1.0)
    return torch.fft.irfft(spectrum * louder, n=sound.shape[-1])


@pytest.mark.parametrize("distance", [SpectralDistance(RATE_HZ), MelDistance(RATE_HZ, 8_000.0)])
def test_what_is_alike_is_at_no_distance(distance: SpectralDistance | MelDistance) -> None:
    assert float(distance(noise(1), noise(1))) == 0
    assert float(distance(noise(1), noise(2))) > 0.2


def test_the_same_band_counts_more_where_hearing_is_finer() -> None:
    distance = SpectralDistance(RATE_HZ)
    low = float(distance(tilted(noise(1), 200, 1_200), noise(1)))
    high = float(distance(tilted(noise(1), 6_000, 7_000), noise(1)))
    convergence = math.sqrt(1_000 / (RATE_HZ / 2))  # of either: the same share of the band
    assert 3 < (low - convergence) / (high - convergence) < 12


def test_loudness_counts_as_if_every_bin_weighed_the_same() -> None:
    convergence, log = 1.0, math.log(2)  # of twice the amplitude
    found = float(SpectralDistance(RATE_HZ)(2 * noise(1), noise(1)))
    assert found == pytest.approx(convergence + log, rel=1e-3)
    assert float(MelDistance(RATE_HZ, 8_000.0)(2 * noise(1), noise(1))) == pytest.approx(
        log, rel=1e-2
    )


def test_a_spectrogram_has_a_frame_for_every_hop_centred_on_it() -> None:
    click = torch.zeros(1, 20 * 256)
    click[0, 7 * 256 + 128] = 1.0
    found = magnitudes(click, 1_024, 256)
    assert found.shape == (1, 513, 20)
    assert int(found[0].sum(0).argmax()) == 7
