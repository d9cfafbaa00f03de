"""``python -m vits finetune`` as a person uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from tests.vits.train.recordings import dataset
from tests.vits.train.small import SMALL, small
from tests.vits.train.test_train import tensors_of, voice
from vits.command import main
from vits.io.packaged import DEFAULT_VOICE
from vits.train.command import INTERRUPTED, _writer


def asked(tmp: Path, name: str, *more: str) -> list[str]:
    """What is typed: to learn from the data, beginning from the tiny voice."""
    data = tmp / "data" if (tmp / "data").exists() else dataset(tmp / "data")
    if not (tmp / "voices" / "base").exists():
        voice(tmp / "voices")
    how = ["--voice", "base", "--voices", str(tmp / "voices"), "--threads", "1"]
    return ["finetune", "--data", str(data), "-o", name, *how, *more]


def test_a_training_is_shown_and_logged_to_its_last_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[SummaryWriter] = []

    def writer(folder: Path) -> SummaryWriter:
        kept.append(_writer(folder))
        return kept[-1]

    monkeypatch.setattr("vits.train.command._writer", writer)
    before = signal.getsignal(signal.SIGINT)
    with small(tmp_path):
        assert main(asked(tmp_path, "ada", "--log", str(tmp_path / "log"), "--steps", "0.1")) == 0
    assert signal.getsignal(signal.SIGINT) is before
    said = capsys.readouterr()
    assert "ada is ready after" in said.out
    assert " 10/10 " in said.err
    assert "stage=joint" in said.err
    assert (tmp_path / "cache").is_dir()
    assert kept[0].file_writer is None  # closed: nothing waits to be written
    log = EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    for name in ("mel", "prior"):
        assert [event.step for event in log.Scalars(f"joint/{name}")] == list(range(1, 11))
        assert [event.step for event in log.Scalars(f"joint/held-out-{name}")] == [10]


def test_a_voice_that_is_there_is_not_written_over_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(name: str, *more: str) -> str:
        code = main(asked(tmp_path, name, "--steps", "0.02", *more))
        said = capsys.readouterr()
        assert (code == 0) == ("is ready" in said.out)
        return said.out + said.err

    with small(tmp_path):
        assert "a voice's name has" in answer("../ada")
        assert "packaged" in answer(DEFAULT_VOICE, "--replace")
        base = tensors_of(tmp_path / "voices" / "base")
        assert "'base' already; --replace" in answer("base")
        after = tensors_of(tmp_path / "voices" / "base")
        assert all((base[name] == after[name]).all() for name in base)
        assert not list((tmp_path / "voices").glob(".*"))
        assert "is ready" in answer("ada")
        assert "'ada' already; --replace" in answer("ada")
        assert "is ready" in answer("ada", "--replace")


@pytest.mark.skipif(os.name == "nt", reason="needs a signal to send")
def test_ctrl_c_saves_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = asked(tmp_path, "ada")
    command = [sys.executable, "-m", "tests.vits.train.small", str(tmp_path), *typed]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stderr is not None
        seen = b""
        while b"stage=joint" not in seen:
            piece = os.read(process.stderr.fileno(), 4_096)
            assert piece, seen.decode()
            seen += piece
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED
    assert not out
    assert b"stopping after this step" in rest
    assert b"the same command goes on from here" in rest
    (state,) = (tmp_path / "voices" / ".ada.training").glob("state-00-*.pt")
    done = int(state.stem[-7:])
    assert 0 < done < SMALL.steps
    with small(tmp_path):
        assert main(typed) == 0
    said = capsys.readouterr()
    assert "ada is ready after" in said.out
    assert "teach" not in said.err
    assert f" {SMALL.steps}/{SMALL.steps} " in said.err
    assert not list((tmp_path / "voices" / ".ada.training").iterdir())
