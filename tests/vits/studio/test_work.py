"""The work of a training: it goes on where it was stopped, and ends with a voice or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.vits.train.recordings import WORDS, dataset
from tests.vits.train.test_train import JOINT, RECIPE, voice
from vits.config import VoiceConfig
from vits.data.build import Plan
from vits.errors import BadData, DiskFull
from vits.io.folder import read_voice, write_voice
from vits.studio import work
from vits.studio.orders import (
    PROGRESS,
    Order,
    Progress,
    is_published,
    read_order,
    read_progress,
    write_order,
)
from vits.train import recipe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An order whose recordings were listened to already; judging has stories of its own."""
    monkeypatch.setattr(work, "TELL_S", 0.0)
    monkeypatch.setattr(work, "MODELS", tmp_path)
    monkeypatch.setattr(work.Work, "_judge", judged)
    small = replace(RECIPE, stages=(replace(JOINT, steps=12),), teach_steps=4)
    monkeypatch.setattr(recipe, "RECIPES", {"few-minutes": small})
    folder = tmp_path / "work"
    dataset(folder / "data")
    (folder / "data" / "finished").touch()
    order(folder, tmp_path)
    return folder


def judged(self: Any) -> None:
    self._progress = replace(self._progress, figures={"likeness": 0.9}, verdict="clean.")


def order(folder: Path, tmp_path: Path, **changed: object) -> None:
    base, shelf = tmp_path / "base", tmp_path / "shelf"
    if not base.is_dir():
        voice(tmp_path)
    given = Order("ada", str(base), str(shelf), licence="CC0", consent="Ada agreed", least_s=0.5)
    write_order(folder, replace(given, **changed))  # type: ignore[arg-type]  # fields by name


def test_what_was_stopped_goes_on_and_the_voice_appears_when_it_is_finished(
    folder: Path, tmp_path: Path
) -> None:
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == "train" and progress.share > 0.4:
            first.stopping.set()

    first = work.Work(folder, tell)
    assert not first.run()
    assert not (tmp_path / "shelf").exists()
    assert read_progress(folder) == seen[-1]
    seen.clear()
    again = work.Work(folder, seen.append)
    assert again.run()
    assert min(each.share for each in seen if each.stage == "train") > 0.4
    assert (seen[-1].stage, seen[-1].verdict) == ("done", "clean.")
    assert seen[-1].heard is not None and seen[-1].heard.clips == 2
    config = VoiceConfig.read(tmp_path / "shelf" / "ada")
    assert (config.name, config.licence) == ("ada", "CC0")
    assert "Ada agreed" in config.source
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == ["ada"]


def test_a_name_that_was_taken_too_little_speech_and_another_language_are_told(
    folder: Path, tmp_path: Path
) -> None:
    def why() -> str:
        with pytest.raises(work.Failed) as failed:
            work.Work(folder, lambda progress: None).run()
        return failed.value.kind

    order(folder, tmp_path, least_s=60.0)
    assert why() == "short"
    order(folder, tmp_path)
    (tmp_path / "shelf" / "ada").mkdir(parents=True)
    assert why() == "taken"
    order(folder, tmp_path, shelf=str(tmp_path / "other"))
    text = (folder / "data" / "dataset.json").read_text("utf-8")
    (folder / "data" / "dataset.json").write_text(text.replace('"en"', '"ja"'), "utf-8")
    assert why() == "language"
    assert not (tmp_path / "other").exists()


def test_only_one_works_in_a_folder_and_damage_is_named(folder: Path) -> None:
    with work.alone(folder) as first, work.alone(folder) as second:
        assert (first, second) == (True, False)
    (folder / "order.json").write_text("[]")
    with pytest.raises(BadData):
        work.Work(folder, lambda progress: None)
    (folder / "progress.json").write_text('{"stage": "train", "heard": 3')
    assert read_progress(folder) is None


def trained(folder: Path, tmp_path: Path) -> Path:
    """As if it had been trained already; the voice."""
    made = folder / "voices" / "ada"
    config, tensors = read_voice(tmp_path / "base")
    write_voice(made, replace(config, name="ada"), {n: tensors[n] for n in tensors})
    return made


def came_of(folder: Path) -> Progress:
    """How the work ends, whatever happens in it."""
    seen: list[Progress] = []
    assert work.Work(folder, seen.append).see_through() == 0
    return seen[-1]


def test_what_was_stopped_before_it_said_so_knows_its_voice_on_the_shelf(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(folder, tmp_path)
    rename = Path.rename

    def last(self: Path, target: Path) -> None:
        rename(self, target)
        raise SystemExit  # nothing of it can go on from here

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", last)
        with pytest.raises(SystemExit):
            came_of(folder)
    assert is_published(folder, read_order(folder))
    # Nobody listens, and that is noted as a fault: the voice is there nevertheless.
    with pytest.raises(BrokenPipeError):
        work.Work(folder, deaf).see_through()
    end = came_of(folder)
    assert (end.stage, end.failure, end.verdict) == ("done", "", "clean.")
    assert end.heard is not None and end.figures == {"likeness": 0.9}
    (tmp_path / "shelf" / "ada" / "voice.json").write_text("{}")
    assert not is_published(folder, read_order(folder))
    assert came_of(folder).failure == "taken"


def test_a_voice_is_put_on_the_shelf_undisturbed_and_what_a_killed_try_left_goes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(folder, tmp_path)
    (tmp_path / "shelf" / f".ada.{folder.name}" / "ada").mkdir(parents=True)
    copy, seen = work._copy, []

    def copying(source: Path, target: Path) -> None:
        seen.append(worker.savable)  # whoever asks it to stop waits
        copy(source, target)

    monkeypatch.setattr(work, "_copy", copying)
    worker = work.Work(folder, lambda progress: None)
    assert worker.run() and not worker.savable
    assert len(seen) >= 2 and all(seen)
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == ["ada"]


def deaf(progress: Progress) -> None:
    raise BrokenPipeError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_full_disk_is_called_one_wherever_it_is_met(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SAVE_STEPS", 2)
    states = folder / "voices" / ".ada.training"
    states.mkdir(parents=True)
    (states / "state-00-0000002.new").symlink_to("/dev/full")
    (folder / Path(PROGRESS).with_suffix(".new")).symlink_to("/dev/full")
    assert came_of(folder).failure == "disk"
    trained(folder, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(work.shutil, "copy", lambda source, target: target.symlink_to("/dev/full"))
        patch.setattr(work.os, "fsync", lambda number: Path("/dev/full").write_text("x"))
        assert came_of(folder).failure == "disk"
    assert not list((tmp_path / "shelf").iterdir())

    def full(inputs: list[Path], place: Path, plan: Plan, progress: object) -> None:
        raise DiskFull("a clip could not be written")

    monkeypatch.setattr(work, "build", full)
    (folder / "data" / "finished").unlink()
    (folder / "recordings").mkdir()
    assert came_of(folder).failure == "disk"


def test_clips_that_the_voice_cannot_learn_from_are_the_recordings_and_no_fault(
    folder: Path,
) -> None:
    text = (folder / "data" / "dataset.json").read_text("utf-8")
    for words in WORDS:
        text = text.replace(f'"{words}"', '"123"')
    (folder / "data" / "dataset.json").write_text(text, "utf-8")
    end = came_of(folder)
    assert (end.failure, end.why) == ("unusable", (work.UNFIT,))


def test_a_base_that_does_not_say_what_it_speaks_may_speak_anything(
    folder: Path, tmp_path: Path
) -> None:
    config, tensors = read_voice(tmp_path / "base")
    kept = {name: tensors[name].copy() for name in tensors}
    write_voice(tmp_path / "base", replace(config, languages=()), kept)
    trained(folder, tmp_path)
    assert came_of(folder).stage == "done"


def test_a_voice_that_cannot_be_judged_is_made_and_says_where_not_what(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    trained(folder, tmp_path)
    file = folder / "data" / "dataset.json"
    file.write_text(file.read_text("utf-8").replace('"abcdefgh"', '"123"'), "utf-8")
    end = came_of(folder)
    assert (end.stage, end.verdict, end.figures) == ("done", "", {})
    assert len(end.why) == 1 and end.why[0].startswith("BadData at command.py:")
    # The base was asked to speak where it lies: nothing was copied that could be half there.
    assert [path.name for path in (folder / "voices").iterdir()] == ["ada"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes here")
def test_the_work_lets_others_go_first(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "base" / "voice.json"
    pipe.unlink()
    os.mkfifo(pipe)
    running = subprocess.Popen(
        [sys.executable, "-m", "vits.studio.work", str(folder)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
    )
    try:
        with pipe.open("w"):  # opened when the work reads it
            assert psutil.Process(running.pid).nice() == work.NICE == 19
            score = Path(f"/proc/{running.pid}/oom_score_adj")
            if os.access("/proc/self/oom_score_adj", os.W_OK):
                assert int(score.read_text()) == 1000
        said, _ = running.communicate()
    finally:
        running.kill()
    assert Progress.read(said.decode().splitlines()[-1]).failure == "fault"


def test_threads_of_the_work_sleep_at_their_barriers() -> None:
    code = "from vits.studio import work; work.stand_back(); import torch"
    environ = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        env=environ | {"OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown.stderr
