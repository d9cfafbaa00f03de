"""Monotonic alignment search: the compiled kernels against the NumPy oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vits.align import align, kernels, path_of, reference


def one(scores: np.ndarray, **how: object) -> np.ndarray:
    frames, tokens = scores.shape
    return align(scores[None], np.array([tokens]), np.array([frames]), **how)[0]


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    tokens = draw(st.integers(1, 70))
    frames = draw(st.integers(tokens, tokens + 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.0, 1.0, 50.0, 1e6]))
    table = (rng.standard_normal((frames, tokens)) * scale - scale).astype(np.float32)
    # Ties are where implementations differ, so half of the tables are full of them.
    return np.round(table) if draw(st.booleans()) else table


@pytest.mark.parametrize("kernel", kernels())
@settings(max_examples=150)
@given(table=tables())
def test_every_path_is_the_oracles(kernel: str, table: np.ndarray) -> None:
    assert one(table, kernel=kernel).tolist() == reference.align_one(table).tolist()


@pytest.mark.parametrize("kernel", kernels())
@settings(max_examples=40)
@given(parts=st.lists(tables(), min_size=1, max_size=6), threads=st.integers(1, 4))
def test_a_batch_is_its_utterances_and_padding_is_never_read(
    kernel: str, parts: list[np.ndarray], threads: int
) -> None:
    frames = np.array([p.shape[0] for p in parts])
    tokens = np.array([p.shape[1] for p in parts])
    batch = np.full((len(parts), frames.max(), tokens.max()), np.nan, np.float32)
    for row, part in zip(batch, parts, strict=True):
        row[: part.shape[0], : part.shape[1]] = part
    found = align(batch, tokens, frames, threads=threads, kernel=kernel)
    assert found.dtype == np.int32
    for row, part in zip(found, parts, strict=True):
        assert row[: part.shape[1]].tolist() == reference.align_one(part).tolist()
        assert not row[part.shape[1] :].any()


@pytest.mark.parametrize("kernel", kernels())
def test_several_threads_find_what_the_oracle_finds(kernel: str) -> None:
    # Enough to be worth threads; more utterances than threads, and of different lengths.
    batch = np.random.default_rng(2).standard_normal((9, 110, 70)).astype(np.float32)
    tokens, frames = np.arange(62, 71), np.arange(110, 101, -1)
    found = align(batch, tokens, frames, threads=4, kernel=kernel)
    for row, table, t, f in zip(found, batch, tokens, frames, strict=True):
        assert row[:t].tolist() == reference.align_one(table[:f, :t]).tolist()
        assert not row[t:].any()


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int64])
def test_other_numbers_and_slices_are_converted(kind: type) -> None:
    table = np.arange(2 * 30 * 12).reshape(2, 12, 30).transpose(0, 2, 1) % 7
    found = align(table.astype(kind), [12, 5], np.array([30, 20, 9], np.int16)[:2])
    plain = align(np.ascontiguousarray(table, np.float32), np.array([12, 5]), np.array([30, 20]))
    assert found.tolist() == plain.tolist()


def test_a_clear_diagonal_is_followed() -> None:
    table = np.full((6, 3), -10, np.float32)
    for frame, token in enumerate([0, 0, 0, 1, 2, 2]):
        table[frame, token] = 0
    durations = one(table)
    assert durations.tolist() == [3, 1, 2]
    assert path_of(durations).tolist() == [0, 0, 0, 1, 2, 2]


def test_scores_may_be_read_only_and_are_left_alone() -> None:
    table = np.random.default_rng(1).standard_normal((2, 40, 17)).astype(np.float32)
    table.flags.writeable = False
    before = table.copy()
    align(table, np.array([17, 3]), np.array([40, 9]))
    assert (table == before).all()


def test_an_empty_batch_and_an_empty_utterance_have_no_durations() -> None:
    assert align(np.zeros((0, 4, 3), np.float32), np.zeros(0, int), np.zeros(0, int)).shape == (
        0,
        3,
    )
    found = align(np.zeros((2, 4, 3), np.float32), np.array([0, 3]), np.array([0, 4]))
    assert found[0].tolist() == [0, 0, 0]
    assert found[1].sum() == 4


def test_a_table_of_two_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="not 2-dimensional"):
        align(np.zeros((9, 5), np.float32), np.array([5]), np.array([9]))


@pytest.mark.parametrize(
    ("tokens", "frames", "words"),
    [
        ([5], [4], "more tokens than frames"),
        ([6], [9], "outside the table"),
        ([5], [10], "outside the table"),
        ([-1], [9], "outside the table"),
        ([0], [9], "no token"),
        ([5, 5], [9], "lengths must be"),
    ],
)
def test_bad_lengths_are_refused(tokens: list[int], frames: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        align(np.zeros((1, 9, 5), np.float32), np.array(tokens), np.array(frames))
