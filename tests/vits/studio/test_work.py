"""The work of a training: it goes on where it was stopped, and ends with a voice or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.vits.train.recordings import dataset
from tests.vits.train.test_train import JOINT, RECIPE, voice
from vits.config import VoiceConfig
from vits.errors import BadData
from vits.studio import work
from vits.studio.orders import Order, Progress, read_progress, write_order
from vits.train import recipe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An order whose recordings were listened to already; judging has stories of its own."""
    monkeypatch.setattr(work, "TELL_S", 0.0)
    monkeypatch.setattr(work, "MODELS", tmp_path)
    monkeypatch.setattr(work.Work, "_judge", lambda self: ({"likeness": 0.9}, "clean."))
    small = replace(RECIPE, stages=(replace(JOINT, steps=12),), teach_steps=4)
    monkeypatch.setattr(recipe, "RECIPES", {"few-minutes": small})
    folder = tmp_path / "work"
    dataset(folder / "data")
    (folder / "data" / "finished").touch()
    order(folder, tmp_path)
    return folder


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
