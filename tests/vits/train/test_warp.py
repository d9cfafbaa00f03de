"""Imagined people: pitch and formants go where they are told, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vits.train.warp import RANGE_HZ, STEPS, Warp, draw, stretched, warp

RATE_HZ = 22_050
PITCH_HZ, FORMANT_HZ = 100.0, 1_000.0


def buzz() -> torch.Tensor:
    """Two seconds of pulses through one resonance."""
    pulses = np.zeros(2 * RATE_HZ)
    pulses[:: int(RATE_HZ / PITCH_HZ)] = 1.0
    radius, angle = 0.97, 2 * np.pi * FORMANT_HZ / RATE_HZ
    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(len(pulses)))
    resonance = 1 / (1 - 2 * radius * np.cos(angle) * delay + radius**2 * delay**2)
    sound = np.fft.irfft(np.fft.rfft(pulses - pulses.mean()) * resonance, len(pulses))
    return torch.from_numpy((0.2 * sound / np.abs(sound).max()).astype(np.float32))


def pitch_hz(sound: torch.Tensor) -> float:
    """By the strongest peak of the autocorrelation above 60 Hz and below 400."""
    spectrum = torch.fft.rfft(sound, 2 * len(sound)).abs().square()
    lags = torch.fft.irfft(spectrum)
    low, high = RATE_HZ // 400, RATE_HZ // 60
    return RATE_HZ / (low + int(lags[low:high].argmax()))


def formant_hz(sound: torch.Tensor) -> float:
    """The highest point of a spectrum too coarse to show harmonics."""
    power = torch.stft(sound, 2048, 256, 128, torch.hann_window(128), return_complex=True).abs()
    low, high = (2048 * hz // RATE_HZ for hz in (300, 3_000))
    return (low + int(power.mean(1)[low:high].argmax())) * RATE_HZ / 2048


@pytest.mark.parametrize(("pitch", "formants"), [(1.5, 1.1), (2.0, 1.2), (0.8, 0.9), (1.0, 1.2)])
def test_pitch_and_formants_move_each_by_its_own_factor(pitch: float, formants: float) -> None:
    sound = buzz()
    made = warp(sound, RATE_HZ, Warp(pitch, formants), PITCH_HZ)
    assert len(made) == pytest.approx(len(sound) / pitch, abs=2)
    assert pitch_hz(made) == pytest.approx(PITCH_HZ * pitch, rel=0.03)
    assert formant_hz(made) == pytest.approx(FORMANT_HZ * formants, rel=0.08)
    assert float(made.std()) == pytest.approx(float(sound.std()), rel=0.2)


def test_nobody_else_is_the_voice_itself() -> None:
    sound = buzz()
    torch.testing.assert_close(warp(sound, RATE_HZ, Warp(), PITCH_HZ), sound)


def test_a_recording_that_ends_at_4_khz_holds_nothing_above() -> None:
    made = warp(torch.randn(RATE_HZ), RATE_HZ, Warp(top_hz=4_000.0), PITCH_HZ)
    power = torch.fft.rfft(made).abs().square()
    assert float(power[len(power) // 2 :].sum() / power.sum()) < 1e-4


@given(st.integers(0, 10_000), st.floats(60, 300))
def test_imagined_people_have_pitches_that_people_have(seed: int, own_hz: float) -> None:
    how = draw(np.random.default_rng(seed), own_hz)
    assert how.pitch * STEPS == round(how.pitch * STEPS)
    slack = own_hz / STEPS
    assert RANGE_HZ[0] - slack <= how.pitch * own_hz <= RANGE_HZ[1] + slack
    assert 0.8 <= how.formants <= 1.35


def test_a_latent_lies_under_what_was_said_from_it() -> None:
    latent = torch.arange(10.0)[None]
    found = stretched(latent, Warp(pitch=1.5), 8)
    torch.testing.assert_close(found[0], torch.tensor([0, 1.5, 3, 4.5, 6, 7.5, 9, 9]))
