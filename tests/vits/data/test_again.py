"""Data sets are added to: what was found stays, and what is given later counts."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.vits.data.conftest import LINES, RATE_HZ, write
from vits.command import main
from vits.data import build as building
from vits.data.build import UNFOUND, Plan, build
from vits.data.records import Dataset, read_dataset
from vits.data.report import write_report
from vits.data.sources import SCRATCH
from vits.errors import BadData

Spoken = dict[str, np.ndarray]
PLAN = Plan("Ada", threads=1)
quiet: Callable[[str], None] = lambda line: None  # noqa: E731 - says nothing
ONE, TWO = LINES.values()


@pytest.fixture(scope="module")
def first(spoken: Spoken, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A set of both lines and of silence, without text or language given."""
    place = tmp_path_factory.mktemp("first")
    for name, sound in zip(("one", "two"), spoken.values(), strict=True):
        write(place / "in" / f"{name}.wav", sound)
    write(place / "in" / "silent.wav", np.zeros(RATE_HZ, np.float32))
    return build([place / "in"], place / "set", PLAN, quiet)


@pytest.fixture
def copy(first: Dataset, tmp_path: Path) -> Path:
    """The folder of a set like it, its recordings beside it."""
    shutil.copytree(first.folder.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "set"


def by_source(dataset: Dataset) -> dict[str, str]:
    return {clip.source: clip.text for clip in dataset.clips}


def change(folder: Path, source: str, **fields: object) -> None:
    """Another record of the clip of a recording."""
    before = read_dataset(folder)
    clips = tuple(
        replace(clip, **fields) if clip.source == source else clip  # type: ignore[arg-type]
        for clip in before.clips
    )
    replace(before, clips=clips).save()


def test_a_wrong_input_empties_no_set(first: Dataset, copy: Path) -> None:
    wrong = copy.parent / "noise.wav"
    write(wrong, np.zeros(RATE_HZ, np.float32))
    after = build([wrong], copy, PLAN, quiet)
    assert after.clips == first.clips == read_dataset(copy).clips
    assert {each.source for each in after.rejected} == {"silent.wav", "noise.wav"}
    with pytest.raises(BadData, match="no such file"):
        build([copy / "absent.wav"], copy, PLAN, quiet)
    assert read_dataset(copy).clips == first.clips
    assert build([wrong], copy, PLAN, quiet).rejected == after.rejected  # none of them twice


def test_a_set_that_cannot_be_read_is_not_written_over(copy: Path) -> None:
    text = json.loads((copy / "dataset.json").read_text("utf-8")) | {"format": 99}
    (copy / "dataset.json").write_text(json.dumps(text))
    with pytest.raises(BadData, match="newer"):
        build([copy.parent / "in"], copy, PLAN, quiet)
    assert json.loads((copy / "dataset.json").read_text()) == text


def test_a_set_within_its_inputs_does_not_grow_by_itself(first: Dataset, copy: Path) -> None:
    after = build([copy.parent], copy, PLAN, quiet)
    assert after.clips == first.clips and len(after.rejected) == 2  # silent.wav by both its names


def test_a_text_and_a_language_given_later_count(first: Dataset, copy: Path) -> None:
    assert all(clip.transcribed for clip in first.clips)
    given = ONE.upper()
    (copy.parent / "in" / "one.txt").write_text(given)
    (copy.parent / "in" / "two.txt").write_text("Something else entirely, of other words.")
    after = build([copy.parent / "in"], copy, PLAN, quiet)
    assert by_source(after) == {"one.wav": given, "two.wav": by_source(first)["two.wav"]}
    assert {clip.source: clip.transcribed for clip in after.clips}["one.wav"] is False
    # It may be given with a copy; the language is the one that is said, whatever had been heard.
    (copy.parent / "in" / "one.txt").unlink()
    (copy.parent / "in" / "two.txt").unlink()
    shutil.copy(copy.parent / "in" / "one.wav", copy.parent / "in" / "three.wav")
    (copy.parent / "in" / "three.txt").write_text(ONE)
    change(copy, "two.wav", language="cy", text="Dim byd ar y lan")
    again = build([copy.parent / "in"], copy, replace(PLAN, language="en-GB"), quiet)
    assert by_source(again)["one.wav"] == ONE
    assert ("three.wav", "a duplicate") in {(each.source, each.why) for each in again.rejected}
    assert "shore" in by_source(again)["two.wav"]
    assert {clip.language for clip in again.clips} == {"en"}


def test_what_was_taken_for_a_rare_language_is_heard_again(copy: Path, spoken: Spoken) -> None:
    # The other clip is long, so that a second of it is not much.
    before = read_dataset(copy)
    figures = replace(before.clips[0].figures, seconds=100.0)
    change(copy, "one.wav", figures=figures)
    change(copy, "two.wav", language="cy", text="Dim byd ar y lan")
    after = build([copy.parent / "in"], copy, PLAN, quiet)
    assert {clip.language for clip in after.clips} == {"en"}
    assert "shore" in by_source(after)["two.wav"]
    # A language spoken for a good part of the time is the person's.
    change(copy, "one.wav", figures=replace(figures, seconds=3.0))
    change(copy, "two.wav", language="cy", text="Dim byd ar y lan")
    after = build([copy.parent / "in"], copy, PLAN, quiet)
    assert by_source(after)["two.wav"] == "Dim byd ar y lan"


def test_an_unknown_language_is_one_clear_sentence(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["data", str(copy.parent / "in"), "--speaker", "Ada", "-o", str(copy)]
    assert main([*given, "--language", "klingon"]) == 1
    assert "'klingon' is no language that Whisper knows" in capsys.readouterr().err
    with pytest.raises(BadData, match="yue"):  # known to larger ones only
        build([copy.parent / "in"], copy, replace(PLAN, language="yue"), quiet)


def test_the_report_of_the_command_counts_phonemes(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["data", str(copy.parent / "in"), "--speaker", "Ada", "-o", str(copy)]
    assert main([*given, "--voice", "nobody"]) == 1
    assert "no voice 'nobody'" in capsys.readouterr().err
    assert main(given) == 0
    page = (copy / "report.html").read_text("utf-8")
    phonemes = page.partition("Phonemes to learn from")[2].partition("</p>")[0]
    assert "different: " in phonemes and "ð" in phonemes  # "the"
    assert "_" not in phonemes and "^" not in phonemes
    # By the packaged voice, which reads no Japanese.
    for source in ("one.wav", "two.wav"):
        change(copy, source, language="ja")
    assert main(given) == 0
    assert "Phonemes" not in (copy / "report.html").read_text("utf-8")


def test_the_studio_shows_the_same_report(copy: Path) -> None:
    from vits.studio.shelves import report

    assert "Phonemes to learn from" in report(read_dataset(copy))


def test_a_script_goes_on_behind_what_is_not_in_it(spoken: Spoken, tmp_path: Path) -> None:
    one, two = spoken.values()
    pause = np.zeros(4 * RATE_HZ, np.float32)
    path = write(tmp_path / "talk.wav", np.concatenate([one, pause, two, pause, 0.8 * one]))
    path.with_suffix(".txt").write_text(f"{ONE}\n{'Never said. ' * 30}\n{ONE.upper()}\n")
    made = build([path], tmp_path / "set", PLAN, quiet)
    texts = [clip.text for clip in sorted(made.clips, key=lambda clip: clip.start_s)]
    assert texts == [ONE, ONE.upper()]
    assert [each.why for each in made.rejected] == [UNFOUND]
    assert build([path], tmp_path / "set", PLAN, quiet) == made


def test_a_recording_that_was_stopped_is_gone_on_with(
    spoken: Spoken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write(tmp_path / "in" / "talk.wav", np.concatenate(list(spoken.values())))
    with zipfile.ZipFile(tmp_path / "in" / "talk.zip", "w") as given:
        given.write(one, "talk.wav")
    one.unlink()
    out, seen = tmp_path / "set", []

    def stopped(self: Any) -> Dataset:
        saved(self)
        seen.extend((out / SCRATCH).rglob("*.wav"))
        raise KeyboardInterrupt

    saved = building._Making.save
    monkeypatch.setattr(building, "SAVE_EVERY", 1)
    with monkeypatch.context() as within:
        within.setattr(building._Making, "save", stopped)
        with pytest.raises(KeyboardInterrupt):
            build([tmp_path / "in"], out, PLAN, quiet)
    # Somebody's voice lies nowhere but in the folder of the set, and not for longer than needed.
    assert len(seen) == 1 and not (out / SCRATCH).exists()
    before = read_dataset(out)
    assert len(before.clips) == 1
    write(out / SCRATCH / "0" / "000000.wav", spoken["clip one"])  # of one that was killed
    made = build([tmp_path], out, PLAN, quiet)
    assert len(made.clips) == 2 and before.clips[0].id in {clip.id for clip in made.clips}
    assert {clip.source for clip in made.clips} == {"talk.zip/talk.wav", "in/talk.zip/talk.wav"}
    assert not (out / SCRATCH).exists()
    assert SCRATCH not in write_report(made).read_text("utf-8")
