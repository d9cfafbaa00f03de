"""English (and what espeak-ng reads alike) as phonemes, the ways VITS voices were trained on."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from vits.errors import MissingDependency
from vits.text.espeak import espeak

HOW = "mixed-language voices need packages for English: pip install eng-to-ipa num2words"

_ABBREVIATIONS = {
    **{"mrs": "misess", "mr": "mister", "dr": "doctor", "st": "saint", "co": "company"},
    **{"jr": "junior", "maj": "major", "gen": "general", "drs": "doctors", "rev": "reverend"},
    **{"lt": "lieutenant", "hon": "honorable", "sgt": "sergeant", "capt": "captain"},
    **{"esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort"},
}
_ABBREVIATION = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\.")
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ð": "d", "þ": "th", "ł": "l", "đ": "d"}
    | {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "--",
        "…": "...",
        "«": "<<",
        "»": ">>",
    }
    | {"，": ",", "。": ".", "！": "!", "？": "?", "、": ",", "：": ":", "；": ";"}
)
# What the phonemizer library, which those voices were trained with, takes for punctuation.
_MARKS = ';:,.!?¡¿—…"«»“”(){}[]'
_MARKED = re.compile(rf"\s*(?!(?<=\d)[.,:]\d)[{re.escape(_MARKS)}][{re.escape(_MARKS)}\s]*")


def ascii_words(text: str) -> str:
    """Lower-case ASCII with abbreviations written out."""
    apart = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    plain = "".join(c for c in apart if c.isascii())
    return _ABBREVIATION.sub(lambda match: _ABBREVIATIONS[match[1]], plain)


def phonemized(text: str, voice: str = "en-us", *, stress: bool, marks: bool) -> str:
    """IPA by espeak-ng, word by word with a space between.

    Args:
        text: anything.
        voice: espeak-ng's name of the language.
        stress: keep ˈ and ˌ.
        marks: keep punctuation where it was; otherwise a space is there.
    """
    out, place = "", 0
    for found in [*_MARKED.finditer(text), None]:
        words = text[place : found.start() if found else len(text)]
        out += _spoken(words, voice)
        if found:
            out += re.sub(r"\s+", " ", found[0]) if marks else " "
            place = found.end()
    out = out if stress else re.sub("[ˈˌ]", "", out)
    return re.sub(r"\s+", " ", out).strip()


def _spoken(words: str, voice: str) -> str:
    if not words.strip():
        return ""
    clauses = (clause.phonemes for clause in espeak().clauses(words, voice))
    spoken = re.sub(r"\([^)]*\)", "", " ".join(clauses)).strip()
    # espeak-ng 1.52 writes the glide between English vowels, which no voice was trained on.
    return spoken.replace("ʲ", "") if voice.startswith("en") else spoken


def english_cleaners(text: str) -> str:
    """Phonemes alone, without stress or punctuation."""
    return phonemized(ascii_words(text), stress=False, marks=False)


def english_cleaners2(text: str) -> str:
    """Phonemes with stress and punctuation."""
    return phonemized(ascii_words(text), stress=True, marks=True)


def ipa(text: str) -> str:
    """The IPA of ``cjke_cleaners2``: the CMU dictionary's, and espeak-ng's for other words.

    Raises:
        MissingDependency: a package is not installed; says how.
    """
    found = re.sub(r"\s+", " ", str(_eng_to_ipa().convert(_numbers(ascii_words(text)))))
    found = re.sub(r"([^\s*]+)\*", lambda match: _unknown(match[1]), found)
    # A dark l is one at the end of a syllable.
    found = re.sub(r"l([^aeiouæɑɔəɛɪʊ ]*(?: |$))", r"ɫ\1", found)
    for old, new in (("r", "ɹ"), ("ʤ", "dʒ"), ("ʧ", "tʃ"), ("...", "…")):
        found = found.replace(old, new)
    return found


def _unknown(word: str) -> str:
    """A word outside the dictionary, in the dictionary's symbols."""
    spoken = phonemized(word, stress=True, marks=True)
    changes = ("ɚ", "ər"), ("ɜː", "ər"), ("ɐ", "ə"), ("ʌ", "ə"), ("ɾ", "t"), ("ɹ", "r"), ("ː", "")
    for old, new in (*changes, ("ᵻ", "ɪ"), ("ɡ", "g"), ("ʔ", "t"), ("ɒ", "ɑ")):
        spoken = spoken.replace(old, new)
    return spoken


def _numbers(text: str) -> str:
    """Numbers in words."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"([$£])(\d+(?:\.\d+)?)", _money, text)
    text = re.sub(r"(\d+)(?:st|nd|rd|th)\b", lambda m: _words(int(m[1]), "ordinal"), text)
    text = re.sub(r"(\d+)\.(\d+)", _decimal, text)
    return re.sub(r"\d+", lambda m: _words(int(m[0]), "year" if _like_year(m[0]) else ""), text)


def _like_year(digits: str) -> bool:
    return len(digits) == 4 and 1100 <= int(digits) < 2100 and int(digits) != 2000


def _money(match: re.Match[str]) -> str:
    unit = "dollar" if match[1] == "$" else "pound"
    return f"{match[2]} {unit}{'' if match[2] == '1' else 's'}"


def _decimal(match: re.Match[str]) -> str:
    return f"{_words(int(match[1]), '')} point {' '.join(_words(int(d), '') for d in match[2])}"


def _words(number: int, kind: str) -> str:
    try:
        from num2words import num2words
    except ImportError as error:
        raise MissingDependency(HOW) from error
    try:
        spoken = str(num2words(number, to=kind or "cardinal", lang="en"))
    except (OverflowError, ValueError):
        spoken = " ".join(_words(int(digit), "") for digit in str(number))
    return re.sub(r",|-| and\b", " ", spoken)


def _eng_to_ipa() -> Any:
    try:
        import eng_to_ipa
    except ImportError as error:
        raise MissingDependency(HOW) from error
    return eng_to_ipa
