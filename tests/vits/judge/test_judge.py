"""What the judge says: over the same sentences for all, in figures that mean what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from vits.data.records import read_dataset
from vits.errors import BadData
from vits.io.folder import write_voice
from vits.io.voices import VoiceShelf
from vits.judge import command
from vits.judge.figures import Judged, Said, length_ratio, letter_lengths, speak
from vits.judge.whisper import error_rate
from vits.speaking import open_synthesizer

GOOD = Judged(20, 60.0, 0.9, 0.8, 0.6, 0.02, 3.2, 120.0, 2.5, 0.07, 0.01, 0.05)
UNSAYABLE = "123"
"""The tiny voices know letters only."""


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("The boat left.", "the boat, left", (0, 3)),
        ("The boat left.", "the coat left", (1, 3)),
        ("The boat left.", "the left", (1, 3)),
        ("The boat left.", "the big boat left", (1, 3)),
        ("The boat left.", "", (3, 3)),
        ("", "boat", (1, 0)),
        ("Don't go", "dont go", (0, 2)),
        ("\u4f60\u597d\uff0c\u4e16\u754c", "\u4f60\u597d\u4e16\u754c", (0, 4)),
        ("\u4f60\u597d", "\u4f60\u5011\u597d", (1, 2)),
        ("\uff21\uff22\uff23 \u4f60", "abc \u4f60", (0, 2)),
    ],
)
def test_errors_are_edits_over_words_or_characters(
    said: str, heard: str, expected: tuple[int, int]
) -> None:
    assert error_rate(said, heard) == expected


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        (GOOD, "It sounds like the same person; every word can be understood; clean."),
        (replace(GOOD, likeness=0.80), "It sounds like a relative of the person"),
        (replace(GOOD, likeness=0.70), "It does not sound like the person yet"),
        (replace(GOOD, word_errors=0.07), "now and then a word is unclear"),
        (replace(GOOD, word_errors=0.22), "20 of 100 words more are misheard"),
        (replace(GOOD, quality=2.9), "a little rough"),
        (replace(GOOD, quality=2.0), "noisy or muffled"),
    ],
)
def test_the_verdict_says_what_the_figures_mean_beside_the_base_or_the_person(
    voice: Judged, expected: str
) -> None:
    poor = replace(GOOD, word_errors=0.5, quality=1.0)
    assert expected in command.verdict(voice, poor, GOOD)
    assert expected in command.verdict(voice, GOOD, None)


def test_lengths_are_of_what_sounds() -> None:
    def said(text: str, seconds: float, silence_s: float = 0.0) -> Said:
        pause = np.zeros(int(silence_s * 1000), np.float32)
        tone = np.full(int(seconds * 1000), 0.5, np.float32)
        return Said(text, np.concatenate([pause, tone, pause]), 1000)

    slow, quick = said("ab cd!", 0.8, 0.5), said("abcd", 0.4)
    assert letter_lengths([slow, quick]) == pytest.approx((0.15, 0.05), abs=1e-3)
    assert length_ratio([slow], [quick]) == pytest.approx(2.0, abs=0.01)
    assert said("a", 0.0, 0.5).sounding_s == 0


@pytest.fixture
def shelf(tmp_path: Path) -> VoiceShelf:
    for name in ("ada", "base"):
        write_voice(tmp_path / "shelf" / name, tiny_config(PLAIN, name), tiny_tensors(PLAIN))
    return VoiceShelf([tmp_path / "shelf"])


def test_a_text_without_sound_is_passed_over_and_the_others_keep_their_number(
    shelf: VoiceShelf,
) -> None:
    voice = open_synthesizer(shelf.path("ada"), threads=1)
    said = speak(voice, ["a cab", UNSAYABLE, "bad"])
    assert [(each.number, each.text) for each in said] == [(0, "a cab"), (2, "bad")]


class Listening:
    """In the place of the judges: which sentences each of them is given."""

    given: list[list[str]]

    def __init__(self, threads: int) -> None:
        self.likeness = self

    def centroid(self, sayings: Sequence[Said]) -> Any:
        return np.ones(1, np.float32)

    def judge(self, sayings: Sequence[Said], *rest: object) -> Judged:
        Listening.given.append([said.text for said in sayings])
        return GOOD


def judged(folder: Path, shelf: VoiceShelf, texts: Sequence[str], base: str | None) -> Any:
    data = read_dataset(dataset(folder / "data", texts=texts))
    out = folder / "judged"
    command.judge_voice(data, "ada", base, out, shelf=shelf, sentences=30)
    return json.loads((out / command.FIGURES).read_text("utf-8")), out


def test_everybody_is_judged_over_the_same_sentences_and_it_is_said_which_were_learned(
    shelf: VoiceShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Judge", Listening)
    Listening.given = []
    letters = "abcdefghijklmnopq"
    texts = [f"bad {one}{two}" for one in letters[:13] for two in letters[:2]]
    texts[1:1] = [UNSAYABLE]
    found, out = judged(tmp_path, shelf, texts, "base")
    recordings, voice, base = Listening.given
    assert recordings == voice == base == [text for text in texts if text != UNSAYABLE]
    assert (found["sentences"], found["trained_on"], found["unsaid"]) == (26, 25, 1)
    page = (out / "report.html").read_text("utf-8")
    assert "26 sentences, 25 of them learned from; 1 more made no sound" in page
    assert found["length_ratio"] > 0 and "times that of the recordings" in page


def test_players_and_distance_go_by_sentence_where_one_has_no_sound(
    shelf: VoiceShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Judge", Listening)
    Listening.given = []
    folder = dataset(tmp_path / "data", texts=[UNSAYABLE, "bad cab", "a cab"])
    data = read_dataset(folder)
    held = tuple(replace(clip, split="held-out") for clip in data.clips)
    command.judge_voice(replace(data, clips=held), "ada", None, tmp_path / "out", shelf=shelf)
    files = sorted(path.stem for path in (tmp_path / "out").glob("*.flac"))
    assert files == ["person-1", "person-2", "voice-1", "voice-2"]
    person, _ = soundfile.read(tmp_path / "out" / "person-1.flac", dtype="float32")
    np.testing.assert_array_equal(person, data.sound(data.clips[1]))
    assert UNSAYABLE not in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_voice_that_says_nothing_is_named_plainly(shelf: VoiceShelf, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="there is no sound"):
        judged(tmp_path, shelf, [UNSAYABLE, "a cab"], None)
    assert not (tmp_path / "judged").exists()
