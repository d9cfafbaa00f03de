"""English abbreviations, acronyms and shouting, as they are said. Pure, linear."""

from __future__ import annotations

import re
from typing import Final

from speech.units import ABBREVIATIONS, WORDS_IN_CAPITALS


def _any_case(form: str) -> str:
    # Classes of two letters instead of IGNORECASE: those are passed over quickly.
    letters = (f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in form)
    return "".join(letters)


_FORMS: Final = "|".join(map(_any_case, sorted(ABBREVIATIONS, key=len, reverse=True)))
_ABBREVIATION = re.compile(rf"\b(?:{_FORMS})(?![A-Za-z0-9'])")
_NUMBER_SIGN = re.compile(r"(?:\b[Nn]o\. ?|\B# ?)(?=\d)")
_DIGIT = re.compile(r"\d")
_VERSION = re.compile(r"\bv\.? ?(?=\d)")
_ACRONYM = re.compile(r"(?<![A-Za-z0-9'])([A-Z]{2,5})('?s)?(?![A-Za-z])")
_RESOLUTION = re.compile(r"(?<![A-Za-z0-9.,])([248])K(?![A-Za-z0-9])")
_CAPITALS = re.compile(r"[A-Z]{2,40}")
_PLUSES = re.compile(r"(?<=[A-Za-z])\+{1,3}(?![A-Za-z0-9])")


def spelled_out(text: str) -> str:
    """English ``text`` with abbreviations said in full and acronyms letter by letter."""
    if _DIGIT.search(text):
        text = _NUMBER_SIGN.sub("number ", text)
        text = _VERSION.sub("version ", text)
        text = _RESOLUTION.sub(r"\1 K", text)
    text = _PLUSES.sub(lambda match: " plus" * len(match[0]), text)
    text = _ABBREVIATION.sub(_full, text)
    if _is_shouted(text):
        return text.lower()
    return _ACRONYM.sub(_spell, text)


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
