"""A data set without a person: what training is tried with in miniature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from vits.data.records import Clip, Dataset, Figures, Split

RATE_HZ = 22_050
WORDS = ("abcdefgh", "hgfedcba abc", "bad cab fed")


def dataset(
    folder: Path,
    speaker: str = "Ada",
    pitch_hz: float = 140.0,
    texts: Sequence[str] = WORDS,
    seconds: float = 0.5,
) -> Path:
    """Clips of a buzz, one for each text, the first of them held out."""
    (folder / "clips").mkdir(parents=True)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    clips = []
    for number, text in enumerate(texts):
        tone = sum(np.sin(2 * np.pi * pitch_hz * (number + 1) * k * time) / k for k in range(1, 9))
        name = f"{number:016x}"
        soundfile.write(folder / "clips" / f"{name}.flac", 0.2 * tone, RATE_HZ, format="FLAC")
        split: Split = "held-out" if number == 0 else "train"
        figures = Figures(seconds, -23, 40, 0, 4, 3, pitch_hz)
        clips.append(Clip(name, f"{number}.wav", 0, text, "en", False, split, figures))
    Dataset(folder, speaker, RATE_HZ, tuple(clips), ()).save()
    return folder
