"""Our network says what the original says, sample for sample, on the same noise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vits.original import OriginalVoice
from tests.vits.sentences import ENGLISH
from vits.arrays import F32
from vits.engine.base import Backend, Engine, Noise, Style, open_engine
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.text.front import front


def snr_db(wanted: F32, found: F32) -> float:
    """Signal-to-noise ratio of ``found`` against ``wanted``, in decibels."""
    assert wanted.shape == found.shape
    error = np.square(wanted.astype(np.float64) - found).sum()
    return float(10 * np.log10(np.square(wanted.astype(np.float64)).sum() / max(error, 1e-30)))


@pytest.fixture(scope="module")
def original() -> OriginalVoice:
    return OriginalVoice(DEFAULT_VOICE)


@pytest.fixture(scope="module", params=["torch", "onnx"])
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    return found


@pytest.fixture(scope="module")
def engine(backend: Backend) -> Engine:
    return open_engine(prepare(DEFAULT_VOICE), backend=backend)


@pytest.mark.parametrize("text", ENGLISH, ids=lambda text: text[:12])
@pytest.mark.parametrize("style", [Style(), Style(0.3, 1.4, 0.0)], ids=["default", "slow"])
def test_sounds_like_the_original(
    engine: Engine, original: OriginalVoice, backend: Backend, text: str, style: Style
) -> None:
    random = np.random.default_rng(7)
    for ids in front(engine.config).sentences(text):
        duration = random.standard_normal((2, len(ids)), np.float32)
        plenty = random.standard_normal((engine.config.architecture.inter_channels, 4000))
        frames = engine.durations(
            ids, style=style, noise=Noise(duration, plenty.astype(np.float32))
        )
        noise = Noise(duration, plenty[:, : frames.sum()].astype(np.float32))

        wanted, original_frames = original.speak(ids, style, noise)
        assert (frames == original_frames).all()
        assert snr_db(wanted, engine.whole(ids, style=style, noise=noise)) >= 80

        streamed = np.concatenate(list(engine.stream(ids, style=style, noise=noise)))

        assert np.abs(streamed - engine.whole(ids, style=style, noise=noise)).max() <= 1e-5
