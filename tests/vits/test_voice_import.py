"""Every format comes in whole: the same weights, a voice that speaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vits.checkpoints import SYMBOLS, write_hugging_face, write_original, write_piper
from tests.vits.tiny import FORMS, PLAIN, tiny_tensors
from vits.arrays import F32
from vits.command import main
from vits.config import Architecture
from vits.engine.base import Style, open_engine
from vits.errors import BadCheckpoint, UnknownVoice
from vits.io.folder import read_voice
from vits.io.importing import import_voice
from vits.io.pickled import Pickled
from vits.speaking import open_synthesizer

# Resblocks of kind 1 have three dilations, which the forms with two do not name.
LARGE = FORMS["large blocks"]
MANY = FORMS["three speakers"]
FULL = FORMS["posterior"]
FIXED = FORMS["fixed durations, speakers"]


def same_tensors(folder: Path, wanted: dict[str, F32]) -> None:
    _, found = read_voice(folder)
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        assert np.abs(found[name] - tensor).max() < 1e-6, name


def speaks(folder: Path, text: str = "a cab. back") -> None:
    pieces = list(open_synthesizer(folder, backend="onnx").speak(text, Style(seed=1)))
    assert sum(map(len, pieces)) > 0


@pytest.mark.parametrize("a", [PLAIN, LARGE, FULL, FIXED], ids=["plain", "large", "full", "fixed"])
@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
def test_original_checkpoints(a: Architecture, old: bool, tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", a, old=old, new_norm=not old)
    folder, notes = import_voice(path, "voice", tmp_path / "out")
    same_tensors(folder, tiny_tensors(a, training=True))
    config, _ = read_voice(folder)
    assert config.architecture == a
    assert any("no posterior" in note for note in notes) != a.has_posterior
    speaks(folder)


def test_speakers_of_moegoe_and_of_fast_fine_tuning(tmp_path: Path) -> None:
    listed = write_original(tmp_path / "moegoe", MANY, speakers=["綾地寧々", "Bob", "Bob", "extra"])
    folder, notes = import_voice(listed, "moegoe", tmp_path / "out")
    assert read_voice(folder)[0].speakers == {"綾地寧々": 0, "Bob": 1}
    assert any("3 speakers" in note for note in notes)
    named = write_original(
        *(tmp_path / "fast", MANY),
        speakers={"special": 2, "first": 0, "gone": 99},
        settings_name="finetune_speaker.json",
        weights_name="G_latest.pth",
    )
    (named.parent / "D_latest.pth").write_bytes(b"")
    folder, _ = import_voice(named.parent, "fast", tmp_path / "out")
    assert read_voice(folder)[0].speakers == {"first": 0, "special": 2}


def test_mms_voices_as_their_makers_published_them(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    about = json.loads((path.parent / "config.json").read_text("utf-8"))
    del about["symbols"]
    about["data"] |= {"training_files": "train.uroman", "text_cleaners": ["mms_cleaners"]}
    (path.parent / "config.json").write_text(json.dumps(about))
    (path.parent / "vocab.txt").write_text("\n".join(SYMBOLS) + "\n")
    folder, _ = import_voice(path.parent, "mms", tmp_path / "out")
    front = read_voice(folder)[0].front
    assert (front.kind, front.romanize, front.symbols[" "]) == ("vocabulary", True, (3,))
    speaks(folder)
    (path.parent / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(BadCheckpoint, match=r"20 symbols, vocab\.txt 2"):
        import_voice(path.parent, "other", tmp_path / "out")


@pytest.mark.parametrize("form", [f for f in FORMS if not FORMS[f].has_posterior])
def test_piper_voices(form: str, tmp_path: Path) -> None:
    a = FORMS[form]
    folder, _ = import_voice(write_piper(tmp_path / "in", a), "piper", tmp_path / "out")
    same_tensors(folder, tiny_tensors(a))
    config, _ = read_voice(folder)
    assert config.architecture == replace(a, spec_channels=513)
    assert config.languages == ("en-US",)
    assert config.defaults.noise_w == 0.4
    assert config.rate_hz == 16_000
    assert len(config.speakers) == a.n_speakers
    speaks(folder, "Hello back.")


@pytest.mark.parametrize("a", [PLAIN, LARGE, FULL, FIXED], ids=["plain", "large", "full", "fixed"])
@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_hugging_face_folders(a: Architecture, pickled: bool, tmp_path: Path) -> None:
    source = write_hugging_face(tmp_path / "in", a, pickled=pickled)
    folder, _ = import_voice(source, "mms", tmp_path / "out")
    same_tensors(folder, tiny_tensors(a))
    config, _ = read_voice(folder)
    assert config.architecture == a
    assert config.defaults.length_scale == pytest.approx(1.25)
    assert config.languages == ("en",)
    speaks(folder)


def test_a_voice_folder_of_ours_comes_in_under_a_new_name(tmp_path: Path) -> None:
    first, _ = import_voice(write_piper(tmp_path / "in", PLAIN), "one", tmp_path)
    second, _ = import_voice(first, "two", tmp_path, licence="CC0", source="home")
    config, _ = read_voice(second)
    assert (config.name, config.licence, config.source) == ("two", "CC0", "home")
    with pytest.raises(UnknownVoice, match="already"):
        import_voice(first, "two", tmp_path)
    import_voice(first, "two", tmp_path, replace_existing=True)
    with pytest.raises(UnknownVoice):
        import_voice(first, "../two", tmp_path)


def test_half_precision_and_shared_storage(tmp_path: Path) -> None:
    base = torch.arange(24, dtype=torch.float32).view(4, 6)
    value = {
        "half": base.half(),
        "brain": base.bfloat16(),
        "double": base.double(),
        "turned": base.t(),
        "part": base[1:3, 2:4],
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(5.0),
        "parameter": torch.nn.Parameter(base),
    }
    for old in (False, True):
        torch.save(value, tmp_path / "x.pth", _use_new_zipfile_serialization=not old)
        found = Pickled(tmp_path / "x.pth")
        for name, tensor in value.items():
            assert (found.array(found.value[name]) == tensor.detach().float().numpy()).all(), name


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_original(tmp_path / "in", MANY, speakers=["A", "B", "C"])
    voices = tmp_path / "voices"
    line = ["import", str(path), "--name", "mine", "--voices", str(voices), "--licence", "CC0"]
    assert main(line) == 0
    assert "3 speakers: A, B, C" in capsys.readouterr().out
    assert main(line) == 1
    assert "--replace" in capsys.readouterr().err
    assert main([*line, "--replace"]) == 0
    assert read_voice(voices / "mine")[0].licence == "CC0"
    engine = open_engine(voices / "mine", backend="onnx")
    assert engine.config.speaker_id("C") == 2
