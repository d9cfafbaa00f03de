"""English abbreviations, acronyms and shouting, as they are said. Pure, linear."""

from __future__ import annotations

import re
from typing import Final

from speech.numbers import cardinal, has_digit
from speech.units import ABBREVIATIONS, WORDS_IN_CAPITALS


def _any_case(form: str) -> str:
    # Classes of two letters instead of IGNORECASE: those are passed over quickly.
    letters = (f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in form)
    return "".join(letters)


_FORMS: Final = "|".join(map(_any_case, sorted(ABBREVIATIONS, key=len, reverse=True)))
_ABBREVIATION = re.compile(rf"(?<![\w./@-])(?:{_FORMS})(?![A-Za-z0-9'])")
_NUMBER_SIGN = re.compile(r"(?:N(?<!\wN)o\. ?|n(?<!\wn)o\. ?|#(?<!\w#) ?)(?=\d)")
_VERSION = re.compile(r"v(?<!\wv)\.? ?(?=\d)")
_ACRONYM = re.compile(r"([A-Z](?<![A-Za-z0-9'_].)[A-Z]{1,4})('?s)?(?![A-Za-z_])")
_DOTTED = re.compile(r"([A-Z](?<![\w.].)\.(?:[A-Z]\.){0,3})([A-Z])(\.?)(?![\w.])")
_RESOLUTION = re.compile(r"([248])(?<![A-Za-z0-9.,].)K(?![A-Za-z0-9])")
_SHARP = re.compile(r"\b([A-GFJ])#(?![A-Za-z0-9])")
_SAINT = re.compile(r"\bSt\. (?=[A-Z][a-z])")
_MONTHS: Final = {
    **{"Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June"},
    **{"Jul": "July", "Aug": "August", "Sep": "September", "Sept": "September"},
    **{"Oct": "October", "Nov": "November", "Dec": "December"},
}
_MONTH = re.compile(
    "|".join(rf"{m}(?:(?<!\w{m})\b\.?(?= \d)|(?<=\d {m})\b\.?(?! ?[a-z]))" for m in _MONTHS)
)
_SHORT: Final = 50
_CAPITALS = re.compile(r"[A-Z][A-Z]{1,39}")
_PLUSES = re.compile(r"(?<=[A-Za-z])\+{1,3}(?![A-Za-z+])")


def spelled_out(text: str) -> str:
    """English ``text`` with abbreviations said in full and acronyms letter by letter."""
    if has_digit(text):
        text = _NUMBER_SIGN.sub("number ", text)
        text = _VERSION.sub("version ", text)
        text = _RESOLUTION.sub(lambda match: f"{cardinal(int(match[1]), 'en')} K", text)
        text = _MONTH.sub(lambda match: _MONTHS[match[0].removesuffix(".")], text)
    if "+" in text:
        text = _PLUSES.sub(_pluses, text)
    if "#" in text:
        text = _SHARP.sub(r"\1 sharp", text)
    if "St. " in text:
        text = _SAINT.sub("Saint ", text)
    lower = text.lower()
    # In a long text looking for all comes to a fifth of what the expression costs.
    if len(text) < _SHORT or any(form in lower for form in ABBREVIATIONS):
        text = _ABBREVIATION.sub(_full, text)
    if _is_shouted(text):
        return text.lower()
    return _ACRONYM.sub(_spell, _DOTTED.sub(_undotted, text))


def _pluses(match: re.Match[str]) -> str:
    """C++17: C plus plus seventeen."""
    said = " plus" * len(match[0])
    return said + " " if match.string[match.end() : match.end() + 1].isdigit() else said


def _undotted(match: re.Match[str]) -> str:
    """U.S.A. as U S A; its last stop stays where it ends the text."""
    at_end = not match.string[match.end() :].strip()
    return match[1].replace(".", " ") + match[2] + (match[3] if at_end else "")


def _full(match: re.Match[str]) -> str:
    said = ABBREVIATIONS[match[0].lower()]
    at_end = not match.string[match.end() :].strip()
    return said if at_end or not said.endswith(".") else said[:-1]


def _is_shouted(text: str) -> bool:
    """Three words or more and no small letter: emphasis, not acronyms."""
    return len(_CAPITALS.findall(text)) >= 3 and not any(letter.islower() for letter in text)


def _spell(match: re.Match[str]) -> str:
    letters, plural = match[1], match[2]
    gap = " " if match.string[match.end() : match.end() + 1].isdigit() else ""
    if WORDS_IN_CAPITALS.fullmatch(letters):
        said = letters if letters in {"OK", "US"} else letters.capitalize()
        return said + (plural or "") + gap
    return " ".join(letters) + ("'s" if plural else "") + gap
