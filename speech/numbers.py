"""Numbers in words: English, Chinese (as in Taiwan) and Japanese. Pure.

Chinese comes in traditional characters, which sound the same as simplified ones. Japanese comes
in kanji numerals, which its text fronts read with the right sound changes (三百, 八百).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final


def _listed(words: str) -> list[str]:
    return words.split("|")


# Words that are counted from 0, from 10 and in tens.
_ONES = "zero|one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "||twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"

DIGITS: Final[dict[str, list[str]]] = {
    "en": _listed(_ONES),
    "zh": list("零一二三四五六七八九"),
    "ja": ["ゼロ", *"一二三四五六七八九"],
}
_FROM_TEN: Final = _listed(_TEENS)
_BY_TENS: Final = _listed(_TENS)
_THOUSANDS: Final = ("", " thousand", " million", " billion", " trillion", " quadrillion")
_MYRIADS: Final = {"zh": ("", "萬", "億", "兆", "京"), "ja": ("", "万", "億", "兆", "京")}
_POINT: Final = {"en": " point ", "zh": "點", "ja": "点"}
_MINUS: Final = {"en": "minus ", "zh": "負", "ja": "マイナス"}
_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_DIGIT = re.compile(r"\d")


def has_digit(text: str) -> bool:
    """Whether a digit of any script is in ``text``."""
    return any(digit in text for digit in "0123456789") or (
        not text.isascii() and bool(_DIGIT.search(text))
    )


def minus(language: str) -> str:
    """The word before a negative number."""
    return _MINUS[language]


@lru_cache(maxsize=1000)  # people name the same few numbers
def cardinal(number: int, language: str) -> str:
    """``number`` (0 to 10^18) as a count. ``language``: ``en``, ``zh`` or ``ja``."""
    if number == 0:
        return DIGITS[language][0]
    return _english(number) if language == "en" else _myriads(number, language)


def digit_by_digit(text: str, language: str) -> str:
    """Each digit of ``text`` for itself, as telephone numbers are read."""
    names = DIGITS[language]
    return (" " if language == "en" else "").join(names[int(digit)] for digit in text)


def number(text: str, language: str) -> str:
    """A written number such as ``1,234.50``, ``007`` or ``3.14`` in words."""
    plain, _, fraction = text.partition(".")
    whole = plain.replace(",", "")
    if (len(whole) > 1 and int(whole[0]) == 0) or (plain == whole and len(whole) > 12):
        said = digit_by_digit(whole, language)
    else:
        said = cardinal(int(whole or "0"), language)
    return said + _POINT[language] + digit_by_digit(fraction, language) if fraction else said


def ordinal(number: int) -> str:
    """English: ``first``, ``twenty-second``."""
    said = cardinal(number, "en")
    head, hyphen, last = said.rpartition("-") if "-" in said.split()[-1] else said.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return head + hyphen + last


def year(number: int, language: str) -> str:
    """A year as it is said: nineteen ninety-nine, 二零二六, 二千二十六."""
    if language == "zh":
        return digit_by_digit(str(number), "zh")
    if language == "ja" or not 1100 <= number <= 2099 or 2000 <= number <= 2009:
        return cardinal(number, language)
    century, rest = divmod(number, 100)
    if rest == 0:
        return cardinal(century, "en") + " hundred"
    return f"{cardinal(century, 'en')} {'oh ' if rest < 10 else ''}{cardinal(rest, 'en')}"


def _english(number: int) -> str:
    groups = []
    for scale in _THOUSANDS:
        number, group = divmod(number, 1000)
        if group:
            groups.append(_hundreds(group) + scale)
        if not number:
            break
    return " ".join(reversed(groups))


def _hundreds(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [DIGITS["en"][hundreds] + " hundred"] if hundreds else []
    if 10 <= rest < 20:
        words.append(_FROM_TEN[rest - 10])
    elif rest:
        tens, ones = divmod(rest, 10)
        names = [_BY_TENS[tens]] if tens else []
        words.append("-".join([*names, DIGITS["en"][ones]] if ones else names))
    return " ".join(words)


def _myriads(number: int, language: str) -> str:
    """Groups of four digits, as Chinese and Japanese count."""
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    said = ""
    gap = False  # Chinese says one 零 for any run of missing places
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = bool(said)
            continue
        if language == "zh" and said and (gap or group < 1000):
            said += "零"
        gap = False
        said += _group(group, language, leading=not said, scaled=place > 0)
        said += _MYRIADS[language][place]
    return said


def _group(group: int, language: str, *, leading: bool, scaled: bool) -> str:
    """One to 9,999."""
    if language == "zh" and group == 2 and scaled:
        return "兩"  # 兩萬, 兩億
    said, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, group = divmod(group, unit)
        if not digit:
            gap = bool(said)
            continue
        if language == "zh" and gap:
            said += "零"
        gap = False
        said += _digit(digit, unit, language, first=leading and not said, scaled=scaled) + name
    return said


def _digit(digit: int, unit: int, language: str, *, first: bool, scaled: bool) -> str:
    if digit == 1 and (
        (language == "ja" and unit in {10, 100})
        or (language == "ja" and unit == 1000 and not scaled)
        or (language == "zh" and unit == 10 and first)
    ):
        return ""  # 十 rather than 一十, 千 rather than 一千; but 一千万
    if language == "zh" and digit == 2 and unit >= 100:
        return "兩"
    return DIGITS[language][digit]
