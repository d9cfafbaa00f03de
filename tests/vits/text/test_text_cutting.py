"""Long text is cut, never dropped."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from vits.text.sentences import MOST_CHARACTERS, cut_symbols, split_sentences


@given(st.text(alphabet='ab .,!?\n。，"”…1', max_size=400), st.integers(10, 60))
def test_joined_the_pieces_are_the_text(text: str, most: int) -> None:
    pieces = split_sentences(text, most)
    assert "".join(pieces) == text
    assert all(len(piece.strip()) <= most for piece in pieces)
    assert all(piece.strip() for piece in pieces[1:])


def test_cuts_where_people_pause() -> None:
    assert split_sentences("Hi there. How are you? Fine!") == [
        "Hi there.",
        " How are you?",
        " Fine!",
    ]
    assert split_sentences("今天很好。我們去公園吧！") == ["今天很好。", "我們去公園吧！"]
    assert split_sentences("It costs 3.50 at example.org now.") == [
        "It costs 3.50 at example.org now."
    ]
    assert split_sentences('He said "No." Then he left.') == ['He said "No."', " Then he left."]
    long = "first part of it, " * 3 + "and the rest"
    assert split_sentences(long, 40) == [
        "first part of it, first part of it,",
        " first part of it, and the rest",
    ]


def test_words_without_a_space_are_cut_all_the_same() -> None:
    pieces = split_sentences("a" * 1000)
    assert "".join(pieces) == "a" * 1000
    assert max(map(len, pieces)) == MOST_CHARACTERS


@given(st.lists(st.sampled_from(["a", "b", " ", ",", "."]), max_size=300), st.integers(6, 50))
def test_symbols_are_cut_and_kept(symbols: list[str], most: int) -> None:
    pieces = cut_symbols(symbols, (".", ",", " "), most)
    assert [symbol for piece in pieces for symbol in piece] == symbols
    assert all(1 <= len(piece) <= most for piece in pieces)


def test_a_megabyte_takes_no_long_time() -> None:
    start = time.perf_counter()
    for text in ("a" * 10**6, ". " * 10**5, "a, " * 10**5, "((((" * 10**5, "…\n" * 10**5):
        assert "".join(split_sentences(text)) == text
    assert time.perf_counter() - start < 5
