"""A posterior encoder is taught once, can be stopped meanwhile, and survives a damaged file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.vits.tiny import FORMS, tiny_config, tiny_tensors
from tests.vits.train.test_train import RECIPE, train, voice
from vits.errors import BadData
from vits.nn.model import build
from vits.train.reader import Reader
from vits.train.state import States
from vits.train.teach import Lesson, taught_reader

A = FORMS["fixed durations"]
LONG, SHORT = list(range(3, 20)) * 4, [3]


class Counter:
    """Hears of every step, and asks to stop after ``most`` of them."""

    def __init__(self, most: int | None = None) -> None:
        self.steps: list[int] = []
        self.most = most

    def __call__(self, name: str, step: int, steps: int) -> None:
        assert (name, steps) == ("teach", RECIPE.teach_steps)
        self.steps.append(step)

    def stop(self) -> bool:
        return len(self.steps) == self.most


def taught(folder: Path, counter: Counter, texts: tuple[list[int], ...] = (LONG,)) -> Reader | None:
    torch.set_num_threads(1)
    config, tensors = tiny_config(A), tiny_tensors(A)
    lesson = Lesson(folder, States(folder / "states", keep=1), counter, counter.stop)
    return taught_reader(config, build(config, tensors), texts, RECIPE, tensors, lesson)


def alike(one: Reader | None, other: Reader | None) -> bool:
    assert one is not None
    assert other is not None
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_a_teaching_that_stopped_ends_with_the_same_numbers(tmp_path: Path) -> None:
    whole = taught(tmp_path / "whole", Counter())
    first, second = Counter(most=12), Counter()
    assert taught(tmp_path / "halves", first) is None
    halves = taught(tmp_path / "halves", second)
    assert first.steps + second.steps == list(range(1, RECIPE.teach_steps + 1))
    assert alike(whole, halves)


def test_a_damaged_file_is_taught_anew(tmp_path: Path) -> None:
    whole = taught(tmp_path, Counter())
    (file,) = tmp_path.glob("reader-*.safetensors")
    for damaged in (file.read_bytes()[:1_000], b""):
        file.write_bytes(damaged)
        again = Counter()
        assert alike(whole, taught(tmp_path, again))
        assert again.steps
    recalled = Counter()
    assert alike(whole, taught(tmp_path, recalled))
    assert not recalled.steps


def test_sentences_that_are_all_too_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="longer"):
        taught(tmp_path, Counter(), (SHORT,))


def test_a_training_stopped_while_it_teaches_goes_on_there(tmp_path: Path) -> None:
    base, counter = voice(tmp_path), Counter(most=20)
    made, reports = train(tmp_path, RECIPE, base=base, teaching=counter, stop=counter.stop)
    assert made is None
    assert not reports
    rest = Counter()
    made, _ = train(tmp_path, RECIPE, base=base, teaching=rest)
    assert made is not None
    assert rest.steps[0] == 21
    assert not list((tmp_path / "voices" / ".ada.teaching").iterdir())
