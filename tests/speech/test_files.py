"""A reply as an Ogg/Opus file that decodes to what was spoken."""

from __future__ import annotations

import base64
import io

import av
import numpy as np
import pytest

from speech.base import FRAME_S, SILENCE
from speech.files import ogg, waveform
from speech.sound import FrameMaker, gain_for, made_safe

RATE_HZ = 22_050


def tone(seconds: float, pitch_hz: float = 440.0, level: float = 0.3) -> np.ndarray:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32)


def frames_of(*pieces: np.ndarray) -> list[bytes]:
    maker = FrameMaker(48_000)
    return [frame for piece in pieces for frame in maker.add(piece, RATE_HZ)] + maker.finish()


def decoded(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) / 1.0


def test_a_file_sounds_like_what_went_in() -> None:
    data = ogg(frames_of(tone(1.5)))
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        assert (container.format.name, stream.codec_context.name) == ("ogg", "opus")
        assert stream.codec_context.channels == 1
        assert stream.codec_context.sample_rate == 48_000
    heard = decoded(data)
    heard = heard / (32768 if np.abs(heard).max() > 2 else 1)
    expected = np.sin(2 * np.pi * 440 * np.arange(int(1.5 * 48_000)) / 48_000) * 0.3
    # The pre-skip of the header aligns the two to the sample.
    middle = slice(4_800, 60_000)
    assert np.abs(heard[middle] - expected[middle]).max() < 0.02


def test_a_file_is_as_long_as_its_frames() -> None:
    frames = frames_of(tone(2.0))
    assert len(frames) * FRAME_S == pytest.approx(2.0, abs=0.03)
    assert decoded(ogg(frames)).size / 48_000 == pytest.approx(2.0, abs=0.03)


def test_a_waveform_shows_where_it_is_loud() -> None:
    quiet, loud = tone(1.0, level=0.02), tone(1.0, level=0.5)
    points = np.frombuffer(base64.b64decode(waveform(frames_of(quiet, loud))), np.uint8)
    assert 1 <= points.size <= 256
    assert points.max() == 255
    assert points[: points.size // 2 - 2].mean() < 40
    assert points[points.size // 2 + 2 : -2].mean() > 200


def test_a_long_reply_still_has_256_points() -> None:
    assert len(base64.b64decode(waveform([SILENCE] * 3_000))) == 256


def test_pieces_leave_no_seam() -> None:
    whole = frames_of(tone(1.0))
    parts = frames_of(*np.array_split(tone(1.0), 7))
    assert np.abs(decoded(ogg(whole)) - decoded(ogg(parts))).max() < 1e-3 * 32768


def test_silence_frames_are_ours_to_mix_in() -> None:
    assert decoded(ogg([SILENCE] * 10)).size == pytest.approx(9_600, abs=960)


def test_sound_is_made_safe() -> None:
    wild = np.array([0.1, -0.5, 3.0, -9.0, np.nan, np.inf, -np.inf], np.float32)
    safe = made_safe(wild)
    assert np.isfinite(safe).all()
    assert np.abs(safe).max() <= 1.0
    assert safe[:2] == pytest.approx([0.1, -0.5])
    assert made_safe(np.zeros(0, np.float32)).size == 0


@pytest.mark.parametrize("level", [0.05, 0.2, 0.8])
def test_voices_are_brought_to_one_loudness(level: float) -> None:
    speech = np.concatenate([tone(0.5, level=level), np.zeros(RATE_HZ, np.float32)])
    loud = speech * gain_for(speech, RATE_HZ)
    spoken = loud[: RATE_HZ // 2]
    dbfs = 10 * np.log10(np.mean(np.square(spoken)))
    assert dbfs == pytest.approx(-20, abs=0.5) or gain_for(speech, RATE_HZ) in {0.4, 4.0}
    assert gain_for(np.zeros(100, np.float32), RATE_HZ) == 1.0
