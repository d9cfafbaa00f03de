"""Sentences leave as soon as they are certain, and nothing is ever dropped."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.sentences import LIMIT, Splitter


def split(pieces: list[str]) -> list[str]:
    splitter = Splitter()
    sentences = [sentence for piece in pieces for sentence in splitter.feed(piece)]
    return sentences + splitter.flush()


CASES = {
    "plain": ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
    "title": (
        "Mr. Smith and Dr. Wu met. They spoke.",
        ["Mr. Smith and Dr. Wu met.", "They spoke."],
    ),
    "initials": ("J. K. Rowling and George W. Bush.", ["J. K. Rowling and George W. Bush."]),
    "the pronoun I": ("So do I. You too.", ["So do I.", "You too."]),
    "latin": ("Bring fruit, e.g. apples, i.e. food.", ["Bring fruit, e.g. apples, i.e. food."]),
    "etc. goes on": ("Apples, pears etc. are cheap.", ["Apples, pears etc. are cheap."]),
    "etc. ends": ("Apples, pears etc. Then we left.", ["Apples, pears etc.", "Then we left."]),
    "decimal": ("Pi is 3.14159. Really.", ["Pi is 3.14159.", "Really."]),
    "version": ("Use v2.7.1 now. Good.", ["Use v2.7.1 now.", "Good."]),
    "address": (
        "See https://a.io/x.y?q=1.2! It works.",
        ["See https://a.io/x.y?q=1.2!", "It works."],
    ),
    "file name": ("Open bot.py first. Then run.", ["Open bot.py first.", "Then run."]),
    "ellipsis": ("Wait... what? Well... Fine.", ["Wait... what?", "Well...", "Fine."]),
    "one-character ellipsis": ("Hm… maybe. Yes", ["Hm… maybe.", "Yes"]),
    "quotes": ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
    "bold": ("**Never.** Do it.", ["**Never.**", "Do it."]),
    "list": ("1. Take eggs.\n2. Beat them.", ["1. Take eggs.", "2. Beat them."]),
    "bullets": ("- one\n- two\n\nDone", ["- one", "- two", "Done"]),
    "fence": (
        "Do:\n```py\na = 1. b\nc()\n```\nDone.",
        ["Do:", "```py\na = 1. b\nc()\n```", "Done."],
    ),
    "open fence": ("Do: ```a. b", ["Do:", "```a. b"]),
    "inline code": ("Call `f. g! h` now. Ok.", ["Call `f. g! h` now.", "Ok."]),
    "spoiler": ("It was ||him. Not her.|| Sorry.", ["It was ||him. Not her.|| Sorry."]),
    "a stray bar": ("a || b. Then c.", ["a || b.", "Then c."]),
    "zh": ("你好。我是小明！你呢？好。", ["你好。", "我是小明！", "你呢？", "好。"]),
    "zh quotes": ("他說：「好。」我走了。", ["他說：「好。」", "我走了。"]),
    "zh ellipsis": ("我……我不知道。", ["我……我不知道。"]),
    "zh, Latin marks": ("好!走吧?嗯", ["好!", "走吧?", "嗯"]),
    "ja": ("そうです。「はい。」と言った。ね？", ["そうです。", "「はい。」と言った。", "ね？"]),
    "mixed": ("用 Python 3.11 吧。OK. 好的", ["用 Python 3.11 吧。", "OK.", "好的"]),
    "many marks": ("What?! No way!!! Ok", ["What?!", "No way!!!", "Ok"]),
}


@pytest.mark.parametrize("text,expected", CASES.values(), ids=CASES.keys())
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    assert [sentence.strip() for sentence in split([text])] == expected


def test_a_sentence_leaves_while_the_next_is_being_written() -> None:
    splitter = Splitter()
    assert splitter.feed("The first. ") == ["The first."]
    assert splitter.feed("The sec") == []
    assert splitter.feed("ond! A") == [" The second!"]
    assert splitter.flush() == [" A"]


def test_a_chinese_sentence_waits_for_one_character_only() -> None:
    splitter = Splitter()
    assert splitter.feed("你好。") == []
    assert splitter.feed("我") == ["你好。"]


def test_a_long_sentence_is_cut_at_a_clause() -> None:
    text = "We walked along the river for hours and hours, " * 6 + "and slept"
    parts = split([text])
    assert len(parts) > 1
    assert all(part.endswith(",") for part in parts[:-1])
    assert all(len(part) <= LIMIT for part in parts)


def test_an_endless_token_is_cut_and_a_long_link_is_not() -> None:
    assert max(map(len, split(["x" * 5_000]))) <= LIMIT
    link = "https://example.com/" + "a" * 600
    assert split([f"See {link} now."])[0].count(link) == 1


def test_half_a_spoiler_never_leaves() -> None:
    splitter = Splitter()
    assert splitter.feed("He is ||dead. Long. Dead. ") == []
    assert splitter.feed("Yes.|| Sorry. B") == ["He is ||dead. Long. Dead. Yes.|| Sorry."]


# Text made of what makes cutting hard, so that the properties meet hard cases often.
MARKS = [". ", "...", "…", "```", "`", "||", "\n", "\n\n", " ", "Mr.", "e.g. ", "U.S. ", "3.14"]
WIDE = [
    "。",
    "！",
    "」",
    "「",
    "と",
    "、",
    "字",
    "カナ",
    "字" * 40,
    "👩\u200d👩\u200d👧",
    "e\u0301",
]
LATIN = [", ", "https://a.b/", "<@123456789>", "1. ", '"', "word", "a" * 90, ", and " * 12, "?!"]
HARD = st.lists(
    st.one_of(st.sampled_from([*MARKS, *WIDE, *LATIN]), st.text(max_size=8)), max_size=40
).map("".join)


@given(HARD, st.data())
@settings(max_examples=300)
def test_nothing_is_dropped_and_borders_do_not_matter(text: str, data: st.DataObject) -> None:
    borders = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    edges = [0, *borders, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    whole = split([text])
    assert "".join(whole) == text
    assert split(pieces) == whole
    assert split(list(text)) == whole
    assert all(whole)


@given(HARD)
def test_a_splitter_is_as_new_after_a_flush(text: str) -> None:
    splitter = Splitter()
    first = splitter.feed(text) + splitter.flush()
    assert splitter.feed(text) + splitter.flush() == first
