"""A recording said again by another speaker, in windows that leave no seam."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vits.tiny import FORMS, tiny_config, tiny_tensors
from vits.arrays import F32
from vits.command import main, write_wav
from vits.errors import BadAudio, BadVoice, UnknownSpeaker
from vits.io.folder import write_voice
from vits.nn import convert
from vits.nn.convert import Converter, reach, spectrogram
from vits.nn.model import build

A = FORMS["posterior"]
CONFIG = tiny_config(A)


@pytest.fixture(scope="module")
def converter() -> Converter:
    return Converter(CONFIG, build(CONFIG, tiny_tensors(A)))


def recording(seconds: float, rate_hz: int = 22_050) -> F32:
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    sweep = 0.5 * np.sin(2 * np.pi * (200 + 300 * time) * time)
    return sweep.astype(np.float32)


def whole(converter: Converter, sound: F32, to: str | int = 2) -> F32:
    return np.concatenate(list(converter.convert(sound, 22_050, 0, to, seed=3)))


def test_it_is_as_long_and_not_the_same(converter: Converter) -> None:
    sound = recording(0.5)
    said = whole(converter, sound)
    assert 0 <= len(sound) - len(said) <= 2 * CONFIG.hop
    assert np.isfinite(said).all()
    assert np.abs(said).max() <= 1
    assert np.abs(said - whole(converter, sound, "speaker 1")).max() > 1e-3
    assert (said == whole(converter, sound)).all()


def test_windows_leave_no_seam(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = recording(0.4)
    monkeypatch.setattr(convert, "WINDOW", 10_000)
    once = whole(converter, sound)
    monkeypatch.setattr(convert, "WINDOW", 100)
    pieces = list(converter.convert(sound, 22_050, 0, 2, seed=3))
    assert len(pieces) > 5
    assert np.abs(np.concatenate(pieces) - once).max() < 1e-5


def test_everything_is_done_on_the_device_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no GPU here; the device that holds no numbers refuses to mix, too."""
    where = []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda t: where.append(t.device) or torch.zeros(8))
    elsewhere = Converter(CONFIG, build(CONFIG, tiny_tensors(A)), torch.device("meta"))
    assert list(elsewhere.convert(recording(0.1), 22_050, 0, 2))
    assert {device.type for device in where} == {"meta"}


def test_reach_is_exact() -> None:
    """Beyond it nothing changes when one frame of the spectrogram does; at its edge something."""
    model = build(CONFIG, tiny_tensors(A)).double()
    frames, middle = 301, 150
    spec = torch.rand(1, A.spec_channels, frames, dtype=torch.float64)
    moved = spec.clone()
    moved[..., middle] += 1
    noise = torch.randn(1, A.inter_channels, frames, dtype=torch.float64)
    rest = (torch.tensor([frames]), torch.tensor([0]), torch.tensor([1]), noise)
    with torch.inference_mode():
        change = (model.convert(spec, *rest) - model.convert(moved, *rest))[0, 0]
    far = (change.view(frames, A.hop).abs().amax(1) > 0).nonzero()[:, 0] - middle
    assert max(-far.min(), far.max()) == reach(A)


def test_the_spectrogram_is_the_one_of_training() -> None:
    """Against the definition, frame by frame: a Hann window, no centring, 1e-6 in the power."""
    n_fft, hop = 32, 8
    sound = torch.from_numpy(recording(0.01)).double()
    found = spectrogram(sound[None], n_fft, hop, n_fft)[0]
    pad = (n_fft - hop) // 2
    padded = np.pad(sound.numpy(), pad, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    for frame in range(found.shape[1]):
        bins = np.fft.rfft(padded[frame * hop : frame * hop + n_fft] * window)
        assert np.abs(np.sqrt(np.abs(bins) ** 2 + 1e-6) - found[:, frame].numpy()).max() < 1e-9


def test_refusals(converter: Converter) -> None:
    with pytest.raises(UnknownSpeaker):
        converter.convert(recording(0.1), 22_050, 0, "nobody")
    with pytest.raises(BadAudio):
        converter.convert(recording(0.0005), 22_050, 0, 1)
    for form in ("one speaker", "three speakers"):
        config = tiny_config(FORMS[form])
        with pytest.raises(BadVoice, match="several speakers and a posterior"):
            Converter(config, build(config, tiny_tensors(FORMS[form])))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_voice(tmp_path / "many", CONFIG, tiny_tensors(A))
    write_wav(tmp_path / "in.wav", [recording(0.5, 16_000)], 16_000)
    line = ["convert", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.wav")]
    line += ["--voice", "many", "--voices", str(tmp_path), "--from", "speaker 0"]
    assert main([*line, "--to", "2"]) == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getframerate() == 22_050
        assert abs(file.getnframes() / 22_050 - 0.5) < 0.01
    assert main([*line, "--to", "nobody"]) == 1
    nowhere = [
        str(tmp_path / "none" / "out.wav") if part.endswith("out.wav") else part for part in line
    ]
    assert main([*nowhere, "--to", "2"]) == 1
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "in.wav").write_bytes(b"no sound")
    assert main([*line, "--to", "1"]) == 1
    assert "vits: " in capsys.readouterr().err
