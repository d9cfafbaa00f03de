"""Speech to make data sets of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.speaking import open_synthesizer

RATE_HZ = 22_050
LINES = {
    "clip one": "The boat left the harbour before the sun came up.",
    "clip 'two'": "Nobody on the shore could see how far it went.",
}


@pytest.fixture(scope="session")
def spoken() -> dict[str, np.ndarray]:
    """A few sentences by the packaged voice, with silence around them."""
    voice = open_synthesizer(prepare(DEFAULT_VOICE), threads=1)
    pause = np.zeros(int(0.9 * RATE_HZ), np.float32)
    rng = np.random.default_rng(0)
    room = lambda n: (rng.standard_normal(n) * 1e-4).astype(np.float32)  # noqa: E731 - a room's hiss
    said = {}
    for name, text in LINES.items():
        sound = np.concatenate([pause, *voice.speak(text), pause])
        said[name] = sound + room(len(sound))
    return said


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Samples (n,) as a sound file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz)
    return path
