"""A pronunciation dictionary: three levels, whole words, longest match, one pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from speech.dictionary import Dictionary, Hit

TEXT = st.text(alphabet=st.sampled_from("abcAB 的我あ.,ＡＢ"), max_size=60)
TABLE = st.dictionaries(st.text(alphabet="abc 的我あ", max_size=5), st.text(max_size=5), max_size=8)


def test_the_nearest_level_wins() -> None:
    entries = Dictionary(
        user={"Joe": "Yo"}, server={"joe": "Joseph", "ann": "Anna"}, world={"ann": "A", "bo": "Bow"}
    )
    assert entries.apply("Joe, Ann and Bo") == "Yo, Anna and Bow"
    assert entries.preview("Bo")[1] == [Hit("Bo", "Bow", "global")]


def test_words_are_matched_whole_and_in_any_case() -> None:
    entries = Dictionary(user={"cat": "kitty"})
    assert entries.apply("Cat, CAT, category, concat, cat2") == (
        "kitty, kitty, category, concat, cat2"
    )


def test_chinese_and_japanese_match_anywhere() -> None:
    entries = Dictionary(user={"重慶": "崇慶", "永和": "勇和", "今日": "きょう"})
    assert entries.apply("我住重慶南路") == "我住崇慶南路"
    assert entries.apply("今日は") == "きょうは"


def test_a_word_next_to_chinese_is_whole() -> None:
    assert Dictionary(user={"GIF": "jif"}).apply("一張GIF圖") == "一張jif圖"


def test_the_longest_entry_wins() -> None:
    entries = Dictionary(user={"new": "nu", "new york": "the city", "york": "yorick"})
    assert entries.apply("New York, new things, York") == "the city, nu things, yorick"


def test_what_was_put_in_is_not_looked_at_again() -> None:
    assert Dictionary(user={"a": "b", "b": "a"}).apply("a b") == "b a"


def test_marks_can_be_entries_too() -> None:
    assert Dictionary(user={"c++": "see plus plus", ":)": ""}).apply("C++ :) ok") == (
        "see plus plus  ok"
    )


def test_full_width_letters_match() -> None:
    assert Dictionary(user={"api": "a p i"}).apply("ＡＰＩ です") == "a p i です"


@given(TEXT)
def test_an_empty_dictionary_changes_nothing(text: str) -> None:
    assert Dictionary().apply(text) == text


@given(TEXT, TABLE, TABLE)
def test_hits_explain_the_result(text: str, user: dict[str, str], world: dict[str, str]) -> None:
    said, hits = Dictionary(user=user, world=world).preview(text)
    rest, rebuilt = text, ""
    for hit in hits:
        before, _, rest = rest.partition(hit.seen) if hit.seen in rest else ("", "", "")
        rebuilt += before + hit.said
    # A hit's text may also stand where it was not whole, so only the hits' order is certain.
    assert len(said) == len(text) + sum(len(hit.said) - len(hit.seen) for hit in hits)
    assert bool(hits) or said == text
