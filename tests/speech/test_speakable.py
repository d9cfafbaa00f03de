"""What is written and what is said: a table of cases, and what holds for any text."""

from __future__ import annotations

import re
import re._parser as re_parser
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import speech.emoji
import speech.languages
import speech.numerals
import speech.shorthand
import speech.signs
import speech.speakable
from speech.base import Listener, Names
from speech.dictionary import Dictionary
from speech.emoji import emoji_names
from speech.speakable import speakable

NAMES = Names(
    members={111111111111111111: "Ann", 222222222222222222: "小明"},
    roles={333333333333333333: "Moderators"},
    channels={444444444444444444: "general-chat"},
)
NOW_S = 1618953630 - 2 * 3600 - 60
LANGUAGES = ("en", "zh-TW", "ja", "fr")


def cases() -> list[tuple[str, str, str]]:
    lines = (Path(__file__).parent / "speakable_cases.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    unescaped = [[re.sub(r"(?<!\\)\\n", "\n", cell) for cell in row] for row in rows]
    return [(language, text.replace("\\\\", "\\"), said) for language, text, said in unescaped]


def listener(language: str) -> Listener:
    return Listener(language, NAMES, NOW_S)


@pytest.mark.parametrize("language,text,said", cases())
def test_the_table(language: str, text: str, said: str) -> None:
    assert speakable(text, listener(language)) == said


def test_the_table_is_large_and_in_three_languages() -> None:
    table = cases()
    assert len(table) >= 100
    for language in ("en", "zh-TW", "ja"):
        assert sum(case[0] == language for case in table) >= 15


def test_emoji_have_names_when_there_is_nothing_else() -> None:
    assert emoji_names("👍", "en") == "thumbs up"
    assert emoji_names("👍👍🎉", "zh-TW") == "讚、拉炮"
    assert emoji_names("🎉", "ja") == "クラッカー"
    assert emoji_names("<:blobCat_wave:111111111111111111>", "en") == "blob Cat wave"
    assert emoji_names("...", "en") == ""


def test_a_dictionary_is_for_what_is_written() -> None:
    words = Dictionary(
        {"SQL": "sequel", "3D": "three dee", "C#": "see sharp", "2": "two too", "重慶": "崇慶"}
    )
    english = speakable("SQL and 3D in C# for 2, not 22 or ||SQL||", listener("en"), words)
    assert english == "sequel and three dee in see sharp for two too, not twenty-two or spoiler"
    assert speakable("我在重慶看3D", listener("zh-TW"), words) == "我在崇慶看three dee"
    # What an entry says is not read as shorthand again, nor as another entry.
    assert speakable("AI", listener("en"), Dictionary({"AI": "USB", "USB": "no"})) == "USB"
    # What numbers and shorthand became can be an entry too.
    assert speakable("5 km", listener("en"), Dictionary({"kilometers": "clicks"})) == "five clicks"


MARKS = ["```", "`", "||", "**", "__", "<@", ">", "<t:", ":R>", "https://a.b/", "[a](", ")", "^_^"]
FORMS = [
    "1,234.5",
    "$",
    "°C",
    "-",
    "/",
    ":",
    "2026-11-22",
    "12:30",
    "@everyone",
    "e.g.",
    "FBI",
    "x",
]
OTHER = [
    "字",
    "カナ",
    "。",
    "👩\u200d👧",
    "\n",
    " ",
    "wwww",
    "8888",
    "123456789012345678",
    "\ud800",
    "٣",
    "²",
]
CHUNKS = st.sampled_from([*MARKS, *FORMS, *OTHER])
ANY_TEXT = st.lists(st.one_of(CHUNKS, st.text(max_size=6)), max_size=30).map("".join)


@given(ANY_TEXT, st.sampled_from(LANGUAGES))
@settings(max_examples=300)
@example("<t:-99999999999999:F>", "ja")
@example("9" * 400 + "." + "9" * 400, "en")
@example("1/0 0/0 00:00 99:59", "zh-TW")
def test_any_text_gives_plain_words(text: str, language: str) -> None:
    said = speakable(text, listener(language))
    assert "\n" not in said
    assert said == said.strip()
    assert said == "" or any(character.isalnum() for character in said)
    said.encode()  # no lone surrogates
    assert not re.search(r"```|\|\||https?://|<@|\d{16}", said)


SNOWFLAKES = st.integers(10**16, 10**19)
AROUND = st.text(alphabet="abc 字。,!\n", max_size=10)


@given(
    SNOWFLAKES,
    AROUND,
    AROUND,
    st.sampled_from(LANGUAGES),
    st.sampled_from(
        [
            "<@{}>",
            "<@!{}>",
            "<#{}>",
            "<@&{}>",
            "<:name:{}>",
            "<a:name:{}>",
            "{}",
            "</cmd:{}>",
            "id={}",
            "https://discord.com/channels/{}/{}",
            "<@{}",
            "`{}`",
        ]
    ),
)
def test_ids_are_never_said(
    snowflake: int, before: str, after: str, language: str, form: str
) -> None:
    written = form.format(snowflake, snowflake)
    said = speakable(f"{before} {written} {after}", listener(language))
    without = speakable(
        f"{before} {written.replace(str(snowflake), '')} {after}", listener(language)
    )
    assert not re.search(r"\d{4}", said)
    # No digit was said in words either: what is left is about as long as with no id at all.
    assert len(said) <= len(without) + 25


@given(st.text(alphabet="abcXYZ 字カ123.,!", min_size=1, max_size=30), st.sampled_from(LANGUAGES))
def test_what_a_spoiler_hides_stays_hidden(hidden: str, language: str) -> None:
    shown = speakable("It was ||q|| and so.", listener(language))
    if hidden.strip():
        assert speakable(f"It was ||{hidden}|| and so.", listener(language)) == shown


@given(st.lists(st.sampled_from(["hello", "there", "my", "friend", "word"]), min_size=1))
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    text = " ".join(words).capitalize() + "."
    assert speakable(text, listener("en")) == text


# --- linear time, by counting ---

MODULES: tuple[ModuleType, ...] = (
    speech.speakable,
    speech.emoji,
    speech.languages,
    speech.numerals,
    speech.shorthand,
    speech.signs,
)
HOSTILE = (
    *(
        "a",
        "(",
        "((^",
        "[",
        "[a](",
        "`",
        "`a",
        "||a",
        "<@",
        "<t:1",
        "1,",
        "1.",
        "12:",
        "9",
        "$",
        "-",
    ),
    *("_", "*", "www.", "a@", "a.", "http://", "😀", "字", "カ", "ハ。", "haha", "\\", "\n", " \n"),
    *(
        "> ",
        "#",
        "T_",
        "a_",
        "8",
        "w",
        "A",
        "1 ",
        "3-",
        "½",
        "①",
        ":a",
        "1:",
        "A.",
        "ツ",
        "<b ",
        "\u0300",
    ),
)


def calls_for(text: str) -> int:
    """Function calls, Python's and C's, that one text takes."""
    count = 0

    def tally(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(tally)
    try:
        speakable(text, listener("en"))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("bit", HOSTILE)
def test_calls_grow_no_faster_than_the_text(bit: str) -> None:
    size = 512 // len(bit)
    once, fourfold = calls_for(bit * size), calls_for(bit * size * 4)
    assert fourfold <= 4 * once + 200


def _steps(tree: object) -> tuple[int, bool]:
    """How many characters a pattern can look at before it fails, and whether that is bounded.

    The last item may be unbounded: a greedy run at the end cannot fail, so it is passed once.
    """
    total, bounded = 0, True
    items = list(tree)
    for position, (kind, value) in enumerate(items):
        name = str(kind)
        if name.endswith("REPEAT") or name == "POSSESSIVE_REPEAT":
            _, high, inside = value
            steps, fine = _steps(inside)
            last = position == len(items) - 1 and len(list(inside)) == 1
            if high == re_parser.MAXREPEAT:
                bounded &= fine and last
                total += steps
            else:
                bounded &= fine
                total += int(high) * steps
        elif name == "SUBPATTERN":
            steps, fine = _steps(value[-1])
            total, bounded = total + steps, bounded and fine
        elif name in {"ASSERT", "ASSERT_NOT"}:
            steps, fine = _steps(value[1])
            total, bounded = total + steps, bounded and fine
        elif name == "BRANCH":
            branches = [_steps(branch) for branch in value[1]]
            total += sum(steps for steps, _ in branches)
            bounded &= all(fine for _, fine in branches)
        else:
            total += 1
    return total, bounded


def test_no_expression_looks_at_text_again_and_again() -> None:
    patterns = [
        (f"{module.__name__}.{name}", value)
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    ]
    assert len(patterns) > 30
    for name, pattern in patterns:
        steps, bounded = _steps(re_parser.parse(pattern.pattern, pattern.flags))
        assert bounded, f"{name} has an unbounded repetition before its end"
        assert steps < 25_000, f"{name} may look at {steps} characters from one place"
