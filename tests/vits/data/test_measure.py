"""The limits beyond which a clip is not learned from, each with the sound it is meant for."""

from __future__ import annotations

import numpy as np

from tests.vits.data.conftest import RATE_HZ
from vits.data import measure
from vits.data.decode import resample

Spoken = dict[str, np.ndarray]


def beside(speech: np.ndarray, other: np.ndarray, snr_db: float) -> np.ndarray:
    """``other`` added so that the speech is ``snr_db`` louder."""
    gain = np.sqrt((speech**2).mean() / (other**2).mean() / 10 ** (snr_db / 10))
    mixed = speech + gain * other
    return (0.5 * mixed / np.abs(mixed).max()).astype(np.float32)


def chord(samples: int) -> np.ndarray:
    """C, E, G and C, with their overtones, struck twice a second: (n,)."""
    time = np.arange(samples) / RATE_HZ
    notes = [261.63, 329.63, 392.0, 523.25]
    tones = sum(np.sin(2 * np.pi * hz * k * time) / k for hz in notes for k in range(1, 5))
    return np.asarray(tones * np.exp(-3 * (time % 0.5)), np.float32)


def test_noise_and_music_behind_a_voice_are_told(spoken: Spoken) -> None:
    meter, speech = measure.Meter(), spoken["clip one"]
    hiss = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    assert measure.why_not(meter.figures(beside(speech, hiss, 5), RATE_HZ)) == "too noisy"
    music = beside(speech, chord(len(speech)), 3)
    assert measure.why_not(meter.figures(music, RATE_HZ)) == "noise or music behind the voice"


def test_flat_tops_are_found_at_the_rate_of_the_recording(spoken: Spoken) -> None:
    loud = resample(spoken["clip one"], RATE_HZ, 48_000)
    clipped = np.clip(loud * (2 / np.abs(loud).max()), -0.9, 0.9)
    assert measure.clipped(clipped) > 0.002
    # The same at the rate of the set: nothing is flat any more.
    assert measure.clipped(resample(clipped, 48_000, RATE_HZ)) < 0.002
    assert measure.clipped(loud) < 0.002
