"""Stretches of text find their language, and a voice that speaks it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.base import VoiceChoice
from speech.languages import Casting, Tongue, spans

CASES = [
    ("Hello there.", "en", [("Hello there.", "en")]),
    ("Bonjour à tous", "fr", [("Bonjour à tous", "fr")]),
    ("你好，我是 Parley。", "zh-TW", [("你好，我是 ", "zh-TW"), ("Parley。", "en")]),
    ("你好", "en", [("你好", "zh-TW")]),
    ("你好", "zh-CN", [("你好", "zh-CN")]),
    ("今日は晴れです。東京", "ja", [("今日は晴れです。東京", "ja")]),
    ("東京", "ja", [("東京", "ja")]),
    (
        "He said ありがとう to me",
        "en",
        [("He said ", "en"), ("ありがとう ", "ja"), ("to me", "en")],
    ),
    (
        "他說「ありがとう」就走了",
        "zh-TW",
        [("他說「", "zh-TW"), ("ありがとう」", "ja"), ("就走了", "zh-TW")],
    ),
    ("茶の魔手很好喝", "zh-TW", [("茶の魔手很好喝", "zh-TW")]),
    ("3.14 是圓周率", "zh-TW", [("3.14 是圓周率", "zh-TW")]),
    ("用 Python 3.11 吧", "zh-TW", [("用 ", "zh-TW"), ("Python 3.11 ", "en"), ("吧", "zh-TW")]),
    ("ㄅㄆㄇ 注音", "en", [("ㄅㄆㄇ 注音", "zh-TW")]),
    ("안녕 hello Привет", "en", [("안녕 ", "ko"), ("hello ", "en"), ("Привет", "ru")]),
    ("12345", "ja", [("12345", "ja")]),
    ("...", "en", [("...", "en")]),
    ("", "en", []),
]


@pytest.mark.parametrize("text,language,expected", CASES)
def test_spans(text: str, language: str, expected: list[tuple[str, str]]) -> None:
    assert [(span.text, span.language) for span in spans(text, language)] == expected


@given(st.text(max_size=200), st.sampled_from(["en", "zh-TW", "ja", "fr", ""]))
def test_joined_spans_are_the_text(text: str, language: str) -> None:
    found = spans(text, language)
    assert "".join(span.text for span in found) == text
    assert all(a.language != b.language for a, b in pairwise(found))


TONGUES = [
    Tongue("joe", ("en-US",)),
    Tongue("mei", ("zh-TW", "en")),
    Tongue("li", ("zh-CN",)),
    Tongue("yui", ("ja",)),
]


def test_a_voice_keeps_what_it_speaks_and_hands_on_the_rest() -> None:
    casting = Casting(TONGUES, fallback="espeak")
    choice = VoiceChoice("mei", "a", language="zh-TW")
    lines = casting.lines("我說 hello 和 ありがとう 안녕", choice)
    assert [(line.text, line.choice.voice, line.choice.speaker) for line in lines] == [
        ("我說 hello 和 ", "mei", "a"),
        ("ありがとう ", "yui", None),
        ("안녕", "espeak", None),
    ]
    assert lines[-1].choice.language == "ko"


def test_an_exact_variant_is_preferred_to_a_cousin() -> None:
    casting = Casting(TONGUES, fallback="espeak")
    assert casting.voice_for("zh-CN", "joe") == "li"
    assert casting.voice_for("zh-HK", "joe") == "mei"
    assert casting.voice_for("zh-CN", "mei") == "mei"


def test_punctuation_alone_makes_no_line() -> None:
    casting = Casting(TONGUES, fallback="espeak")
    assert casting.lines("?! ...", VoiceChoice("joe")) == []
    assert [line.text for line in casting.lines("Hi (…)", VoiceChoice("joe"))] == ["Hi (…)"]


def test_speed_and_pitch_stay_when_the_voice_changes() -> None:
    choice = VoiceChoice("joe", speed=1.5, pitch=0.9)
    (line,) = Casting(TONGUES, fallback="espeak").lines("日本です", choice)
    assert (line.choice.voice, line.choice.speed, line.choice.pitch) == ("yui", 1.5, 0.9)
