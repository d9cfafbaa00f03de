"""The list of voices and its completion hold any number of voices and speakers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cogs.sound import complete, listed
from speech.voices import Offered, discreet
from words import Words

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=64)
voices = st.lists(
    st.builds(
        Offered,
        names,
        st.just(("en", "zh-TW")),
        st.lists(names, max_size=40, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=60,
).map(tuple)


@given(voices)
def test_a_list_fits_into_one_message(offered: tuple[Offered, ...]) -> None:
    assert len(listed(Words.of("en-US"), offered)) <= 2000


@given(voices, names)
def test_a_completion_is_what_discord_takes_and_can_be_chosen(
    offered: tuple[Offered, ...], typed: str
) -> None:
    there = {name for voice in offered for name in voice.names}
    choices = complete(offered, typed[:3])
    assert len(choices) <= 25
    for choice in choices:
        assert choice.value in there
        assert 1 <= len(choice.name) <= 100
        assert typed[:3] in choice.value


def test_several_speakers_are_offered_by_name() -> None:
    voice = Offered("choir", ("en",), ("anna", "bert"))
    assert [choice.value for choice in complete((voice,), "")] == [
        "choir",
        "choir/anna",
        "choir/bert",
    ]
    assert [choice.value for choice in complete((voice,), "BERT")] == ["choir/bert"]
    assert "2 speakers: anna, bert" in listed(Words.of("en-US"), (voice,))


@given(st.text())
def test_a_name_that_was_typed_is_told_back_harmlessly(typed: str) -> None:
    told = discreet(typed)
    assert len(told) <= 64
    assert not set(told) & set("@<>`*|#:\n")
