"""How Chinese characters are read: pinyin with tone numbers.

pypinyin knows phrases in simplified characters, so traditional ones are looked up through OpenCC;
where Taiwan reads otherwise than the mainland's dictionary, ``data/taiwan.txt`` says so. Text in
traditional characters is read as in Taiwan, text in simplified ones as on the mainland.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vits.errors import MissingDependency

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇\U00020000-\U0002fa1f"
_HAN = re.compile(f"[{HAN}]")
_PINYIN = re.compile("[a-z]+[1-5]")

_MERGED = frozenset("乾著叄")  # their dictionary entry begins with the rarer reading

# Read lightly in Taiwan too; most other syllables have their full tone there.
_LIGHT = frozenset("的了嗎呢吧麼們子啊呀啦喔哦嘛得地個著吗么们个着")


# Words whose 子 is no mere ending (simplified, as pypinyin sees them).
_FULL_CHILD = re.compile(
    "[电原量粒离质中光因核分份男女王公太弟父母孔孟老庄君才浪游天臣夫棋种莲精卵独生]子"
)

# Before these 得 is dé, to get; after these it is děi, must; after others with a word to follow
# it is the particle.
_GOT = frozenset("到出分知奖罪失意手票标逞主名胜证救宠益以")
_MUST = frozenset("我你您他她它牠们谁咱也都还就总又可只必非人")
_BEFORE_GOT = frozenset("获取赢难博奪夺求习所心自不")


@dataclass(frozen=True, slots=True)
class Reading:
    """One character, and its pinyin with tone 1 to 5 ("zhong1", "lv4"); "" if it has none."""

    character: str
    pinyin: str


def readings(text: str) -> list[Reading]:
    """The reading of every character of ``text``; those that are not Chinese have none.

    Raises:
        MissingDependency: pypinyin or OpenCC is not installed.
    """
    if not _HAN.search(text):
        return [Reading(character, "") for character in text]
    plain = simplified(text)
    taiwan = plain != text or _convert("s2t", text) == text
    found = _lookup(plain)
    _apply_grammar(plain, found)
    if taiwan:
        single = [_lookup(character)[0] for character in plain]
        found = [
            full if light.endswith("5") and character not in _LIGHT else light
            for character, light, full in zip(text, found, single, strict=True)
        ]
        found = [
            _own(character, pinyin) if character != common else pinyin
            for character, common, pinyin in zip(text, plain, found, strict=True)
        ]
        _apply_taiwan(text, found)
    return [
        Reading(character, pinyin if _PINYIN.fullmatch(pinyin) and _HAN.match(character) else "")
        for character, pinyin in zip(text, found, strict=True)
    ]


def simplified(text: str) -> str:
    """``text`` in simplified characters, one for one. Raises MissingDependency."""
    return _convert("t2s", text)


def _convert(direction: str, text: str) -> str:
    """Simplified to traditional or back, always as many characters as there were."""
    try:
        converter = _converter(direction)
    except ImportError as error:
        raise MissingDependency(
            "Chinese needs a package: pip install opencc-python-reimplemented"
        ) from error
    converted: str = converter.convert(text)
    if len(converted) == len(text):
        return converted
    each = (converter.convert(character) for character in text)
    return "".join(
        one if len(one) == 1 else character for one, character in zip(each, text, strict=True)
    )


@functools.cache
def _converter(direction: str) -> Any:
    import opencc

    return opencc.OpenCC(direction)


def _lookup(plain: str) -> list[str]:
    try:
        from pypinyin import Style, lazy_pinyin
    except ImportError as error:
        raise MissingDependency("Chinese needs a package: pip install pypinyin") from error
    found: list[str] = lazy_pinyin(
        plain, style=Style.TONE3, neutral_tone_with_five=True, errors=_letters
    )
    if len(found) != len(plain):  # a character outside its dictionary came back as several
        return [_lookup(c)[0] if len(plain) > 1 else "" for c in plain]
    return [pinyin.replace("ü", "v") for pinyin in found]


@functools.cache
def _own_readings(character: str) -> tuple[str, ...]:
    from pypinyin import Style, pinyin

    every = pinyin(character, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)
    return tuple(reading.replace("ü", "v") for reading in every[0])


def _own(character: str, pinyin: str) -> str:
    """Two traditional characters may share a simplified one (隻 and 只): then each its own."""
    own = _own_readings(character)
    if not _PINYIN.fullmatch(pinyin):
        return own[0]
    fits = pinyin.endswith("5") or pinyin in own or character in _MERGED
    return pinyin if fits else own[0]


def _letters(text: str) -> Any:
    return list(text)


def _apply_grammar(plain: str, found: list[str]) -> None:
    """得, 地 and 子 by what stands beside them; a dictionary of words cannot tell."""
    for match in _FULL_CHILD.finditer(plain):
        found[match.end() - 1] = "zi3"
    for i, character in enumerate(plain):
        if character == "得" and found[i] == "de2":
            found[i] = _de(plain[i - 1 : i], plain[i + 1 : i + 2])
        elif character == "地" and i >= 2 and plain[i - 1] == plain[i - 2] and found[i] == "di4":
            found[i] = "de5"  # 慢慢地


def _de(before: str, after: str) -> str:
    if before in _BEFORE_GOT or (after in _GOT and (not _HAN.match(before) or before in _MUST)):
        return "de2"
    if before in _MUST:
        return "dei3" if _HAN.match(after) else "de2"
    return "de5" if _HAN.match(before) else "dei3"


@dataclass(frozen=True, slots=True)
class _Taiwan:
    phrases: dict[str, list[str]]
    singles: dict[tuple[str, str], str]
    longest: int


@functools.cache
def _taiwan() -> _Taiwan:
    phrases, singles = {}, {}
    text = (Path(__file__).parent / "data" / "taiwan.txt").read_text("utf-8")
    for line in text.splitlines():
        characters, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if len(characters) == 1:
            before, after = rest.split(">")
            singles[characters, before] = after
        else:
            phrases[characters] = rest.split()
    return _Taiwan(phrases, singles, max(map(len, phrases)))


def _apply_taiwan(text: str, found: list[str]) -> None:
    table = _taiwan()
    i = 0
    while i < len(text):
        sizes = range(min(table.longest, len(text) - i), 1, -1)
        size = next((n for n in sizes if text[i : i + n] in table.phrases), 1)
        if size > 1:
            own = zip(table.phrases[text[i : i + size]], found[i : i + size], strict=True)
            found[i : i + size] = [given if reading == "*" else reading for reading, given in own]
        elif text[i] == "和" and found[i] == "he2" and _is_and(text, i):
            found[i] = "han4"
        else:
            found[i] = table.singles.get((text[i], found[i]), found[i])
        i += size


def _is_and(text: str, place: int) -> bool:
    """Whether the 和 there joins two things: one follows, and it is in no idiom."""
    from pypinyin.constants import PHRASES_DICT

    if not _HAN.match(text[place + 1 : place + 2]):
        return False
    around = simplified(text[max(0, place - 3) : place + 4])
    at = min(place, 3)
    idioms = (around[a : a + 4] for a in range(max(0, at - 3), at + 1))
    return not any(len(idiom) == 4 and idiom in PHRASES_DICT for idiom in idioms)
