"""What can be measured of a clip, and the limits beyond which it is not learned from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from vits.arrays import F32
from vits.data.decode import resample
from vits.data.records import Figures
from vits.errors import WITH_TORCH, MissingDependency

LOUDNESS_LUFS = -23.0  # EBU R 128
LIMITS: tuple[tuple[Callable[[Figures], bool], str], ...] = (
    (lambda f: f.clipped > 0.002, "the recording is clipped (too loud for its device)"),
    (lambda f: f.snr_db < 12, "too noisy"),
    (lambda f: f.background < 2.6, "noise or music behind the voice"),
    (lambda f: f.loudness_lufs < -55, "almost silent"),
)


class Meter:
    """Measures clips; keeps the DNSMOS networks loaded.

    DNSMOS P.835 (Reddy et al., 2022) judges speech with no reference; its weights come with the
    speechmos package. Loudness is torchaudio's ITU-R BS.1770, pitch librosa's pYIN.
    """

    def __init__(self) -> None:
        try:
            from speechmos import dnsmos
        except ImportError as error:
            raise MissingDependency(f"measuring needs: {WITH_TORCH}") from error
        self._run: Any = dnsmos.run

    def figures(self, samples: F32, rate_hz: int, recorded: F32 | None = None) -> Figures:
        """Everything about one clip (n,); ``recorded``: as it was before it was resampled."""
        wide = resample(samples, rate_hz, 16_000)
        peak = float(np.abs(wide).max(initial=1e-6))
        scores = self._run(wide / max(1.0, peak), 16_000)
        return Figures(
            seconds=round(len(samples) / rate_hz, 3),
            loudness_lufs=round(loudness_lufs(samples, rate_hz), 2),
            snr_db=round(_snr_db(samples, rate_hz), 2),
            clipped=clipped(samples if recorded is None else recorded),
            background=round(float(scores["bak_mos"]), 3),
            quality=round(float(scores["ovrl_mos"]), 3),
            pitch_hz=pitch_hz(wide, 16_000),
        )


def pitch_hz(samples: F32, rate_hz: int) -> float | None:
    """Median pitch over the voiced frames of samples (n,); None where hardly any is voiced."""
    librosa: Any = importlib.import_module("librosa")  # untyped

    pitch, voiced, _ = librosa.pyin(
        resample(samples, rate_hz, 16_000),
        fmin=60, fmax=500, sr=16_000, frame_length=1024, hop_length=320,
    )  # fmt: skip
    heard = pitch[voiced & np.isfinite(pitch)]
    return round(float(np.median(heard)), 1) if len(heard) > 5 else None


def why_not(figures: Figures) -> str | None:
    """The first limit that ``figures`` break, in words, or None."""
    return next((words for broken, words in LIMITS if broken(figures)), None)


def loudness_lufs(samples: F32, rate_hz: int) -> float:
    """Integrated loudness of samples (n,) in LUFS; -70 for silence."""
    import torch
    import torchaudio.functional as audio

    # The measure's window is 0.4 s: a shorter clip is repeated to fill it.
    tiled = np.resize(samples, max(len(samples), int(0.5 * rate_hz)))
    with torch.inference_mode():
        value = float(audio.loudness(torch.from_numpy(tiled)[None], rate_hz))
    return value if np.isfinite(value) else -70.0


def levelled(samples: F32, measured_lufs: float, target_lufs: float = LOUDNESS_LUFS) -> F32:
    """One gain for the whole clip, held back where it would clip."""
    gain = 10 ** ((target_lufs - measured_lufs) / 20)
    peak = float(np.abs(samples).max(initial=1e-9))
    return (samples * min(gain, 0.99 / peak)).astype(np.float32)


def _snr_db(samples: F32, rate_hz: int) -> float:
    """Mean energy of the louder half of 20 ms frames over that of the quietest tenth, in dB."""
    window = max(1, int(0.02 * rate_hz))
    frames = samples[: len(samples) // window * window].reshape(-1, window)
    energy = np.sort((frames**2).mean(1)) + 1e-10
    tenth = max(1, len(energy) // 10)
    return float(10 * np.log10(energy[len(energy) // 2 :].mean() / energy[:tenth].mean()))


def clipped(samples: F32) -> float:
    """Share of samples (n,), as recorded, in flat tops.

    That is three or more in a row at the clip's own extreme; resampling rounds them off.
    """
    extreme = np.abs(samples) >= 0.995 * np.abs(samples).max(initial=1e-9)
    flat = extreme[:-2] & extreme[1:-1] & extreme[2:]
    return round(float(flat.mean()), 5) if len(flat) else 0.0
