"""Piper voices read as piper-tts reads, in fifty languages, and never lose text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vits.config import TextFront
from vits.errors import BadText
from vits.io.manifest import find_weights
from vits.text import arabic
from vits.text.arabic import vowelled
from vits.text.espeak import Espeak, libraries, opened
from vits.text.piper import CharactersFront, EspeakFront
from vits.text.sentences import MOST_SYMBOLS

HERE = Path(__file__).parent
TEXTS = json.loads((HERE / "piper_texts.json").read_text("utf-8"))
IDS = json.loads((HERE / "piper_ids.json").read_text("utf-8"))
SYMBOLS = {
    symbol: tuple(ids)
    for symbol, ids in json.loads(
        find_weights("en_US-joe-medium").locate("settings").read_text("utf-8")
    )["phoneme_id_map"].items()
}
ENGLISH = TextFront("espeak", SYMBOLS, "en-us")


@pytest.mark.parametrize("language", TEXTS)
def test_ids_are_those_of_piper(language: str) -> None:
    front = EspeakFront(replace(ENGLISH, espeak_voice=language))
    for text, ids in zip(TEXTS[language], IDS[language], strict=True):
        assert front.sentences(text) == ids, text


@pytest.fixture(scope="module")
def copies() -> tuple[Espeak, Espeak]:
    """The copy of espeak-ng that says how clauses end, and one that does not."""
    knowing, guessing = (opened(library) for library in libraries())
    assert knowing.knows_marks
    assert not guessing.knows_marks
    return knowing, guessing


TOGETHER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from vits.text.espeak import espeak
sys.setswitchinterval(1e-6)
all_here = Barrier(8)
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda _: (all_here.wait(), espeak())[1], range(8)))
print(len(set(map(id, found))))
"""


def test_threads_that_ask_at_once_get_one_library() -> None:
    done = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, check=True)
    assert done.stdout.strip() == b"1"


WORDS = "Hello world x 3 V 1.5 你好 e.g. 's A é"
MARKS = '. .. ... , ? ! : ; — … ( ) " 。 ， - ¿'
ODD = st.lists(
    st.sampled_from([*WORDS.split(" "), *MARKS.split(" "), " ", "\n", "\n\n"]), max_size=9
).map("".join)


@given(ODD, st.sampled_from(["en-us", "de", "hu", "ru", "cmn"]))
@settings(max_examples=300)
def test_clauses_end_alike_in_both_copies(
    copies: tuple[Espeak, Espeak], text: str, language: str
) -> None:
    knowing, guessing = ([clause[1:] for clause in c.clauses(text, language)] for c in copies)
    assert guessing == knowing


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_taken_and_leaves_nothing_behind(text: str) -> None:
    front = EspeakFront(ENGLISH)
    for ids in front.sentences(text):
        assert ids[:2] == [1, 0]
        assert ids[-1] == 2
        assert ids[1::2] == [0] * len(ids[1::2])
    # espeak-ng keeps state between calls: what was said before must not show.
    assert front.sentences("Hello.") == IDS_OF_HELLO


IDS_OF_HELLO = EspeakFront(ENGLISH).sentences("Hello.")


def test_a_commanding_text_commands_nothing() -> None:
    front = EspeakFront(ENGLISH)
    plain = front.sentences("one two")
    assert front.sentences("one \x01VAdam two\x00three")
    assert front.sentences("<speak>one</speak>")
    assert front.sentences("one two") == plain


def test_emoji_do_not_crash_malay() -> None:
    for language in ("ms", "ne"):
        front = EspeakFront(replace(ENGLISH, espeak_voice=language))
        assert front.sentences("a \U0001f4b6 \U0001f39d \U0001f533 b" * 3)


def test_a_sentence_without_end_is_cut_but_kept() -> None:
    sentences = EspeakFront(ENGLISH).sentences("the cat sat on the mat and " * 60)
    assert len(sentences) > 3
    assert all(len(ids) <= 2 * MOST_SYMBOLS + 4 for ids in sentences)
    words = EspeakFront(ENGLISH).sentences("the cat sat on the mat and")[0]
    assert sum(map(len, sentences)) >= 60 * (len(words) - 4)


def test_clusters_become_one_symbol() -> None:
    settings_ = replace(ENGLISH, symbols={**SYMBOLS, "oʊ": (200,)}, clusters=(("o", "ʊ"),))
    assert 200 in EspeakFront(settings_).sentences("No")[0]


def test_letters_of_a_character_voice() -> None:
    symbols = {"_": (0,), "^": (1,), "$": (2,), "a": (3,), "e": (4,), "\u0301": (5,)}
    front = CharactersFront(TextFront("characters", symbols))
    assert front.sentences("aé") == [[1, 0, 3, 0, 4, 0, 5, 0, 2]]
    assert front.sentences("🙂") == []


@given(st.text(alphabet="ابجدلمسلةي ،؟.\u064e\u0651\u06403ab\n#_", max_size=40))
@settings(max_examples=50)
def test_arabic_gets_vowels_and_keeps_its_letters(text: str) -> None:
    signs = dict.fromkeys(range(0x64B, 0x653))
    assert vowelled(text).translate(signs).split() == text.translate(signs).split()


def test_arabic_without_the_network_is_read_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vowelled("كتاب") != "كتاب"
    monkeypatch.setitem(sys.modules, "piper.tashkeel", None)
    arabic._network.cache_clear()
    assert vowelled("كتاب") == "كتاب"
    arabic._network.cache_clear()


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(BadText, match="xx-yy"):
        EspeakFront(replace(ENGLISH, espeak_voice="xx-yy")).sentences("Hello")
