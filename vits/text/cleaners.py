"""The cleaners that VITS configurations name, and the front that uses them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from vits.config import TextFront
from vits.errors import BadText
from vits.text import chinese, english, japanese
from vits.text.marking import spans
from vits.text.sentences import cut_symbols, split_sentences

MOST_CHARACTERS = 120
"""Of a sentence as written: these voices were trained on clips of ten seconds."""

_ENDS = re.compile(r"[.!?。！？…\n]['\"”’」』）)\]]*\s*$")
_OPEN_END = re.compile(r"([^\.,!\?\-…~])$")
_PAUSES = (".!?。！？", ",;:，、…", " ")

Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Cleaner:
    """One named cleaner.

    Attributes:
        languages: what it reads, the main one first.
        each: how each of them is written in symbols.
        finish: done to the whole sentence afterwards.
    """

    languages: tuple[str, ...]
    each: Mapping[str, Clean]
    finish: Clean = str.strip

    def clean(self, stretches: list[tuple[str, str]]) -> str:
        """The symbols of one sentence, given as (language, stretch) pairs."""
        return self.finish(" ".join(self.each[language](text) for language, text in stretches))


def _closed(text: str) -> str:
    """Ends with a mark, as every line did in training."""
    return _OPEN_END.sub(r"\1.", text.rstrip())


def _japanese(text: str) -> str:
    return japanese.romaji(text)


def _japanese2(text: str) -> str:
    return _japanese(text).replace("ts", "ʦ").replace("...", "…")


def _letter_closed(text: str) -> str:
    return re.sub(r"([A-Za-zʦʃʧ])$", r"\1.", text.rstrip())


def _tone_closed(text: str) -> str:
    return re.sub("([ˉˊˇˋ˙])$", r"\1。", text.rstrip())


def _korean(text: str) -> str:
    """Korean by espeak-ng: near to what those voices were trained on, not the same."""
    return english.phonemized(text, "ko", stress=False, marks=True)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


CLEANERS: Mapping[str, Cleaner] = {
    "english_cleaners": Cleaner(("en",), {"en": english.english_cleaners}),
    "english_cleaners2": Cleaner(("en",), {"en": english.english_cleaners2}),
    # Two forks gave this name to two things; the symbols tell which (see CleanerFront).
    "chinese_cleaners": Cleaner(("zh",), {"zh": chinese.bopomofo}, _tone_closed),
    "japanese_cleaners": Cleaner(("ja",), {"ja": _japanese}, _letter_closed),
    "japanese_cleaners2": Cleaner(("ja",), {"ja": _japanese2}, _letter_closed),
    "zh_ja_mixture_cleaners": Cleaner(
        ("zh", "ja"),
        {"zh": chinese.romaji, "ja": lambda text: _japanese2(text).replace("u", "ɯ")},
        _closed,
    ),
    "cjke_cleaners2": Cleaner(
        ("zh", "ja", "en", "ko"),
        {"zh": chinese.ipa, "ja": japanese.ipa, "en": english.ipa, "ko": _korean},
        _closed,
    ),
    "basic_cleaners": Cleaner((), {"": _plain}),
    "transliteration_cleaners": Cleaner(("en",), {"en": english.ascii_words}),
}
_PINYIN = Cleaner(("zh",), {"zh": chinese.pinyin})


def languages_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The languages that the last named cleaner reads."""
    return CLEANERS[names[-1]].languages if names else ()


class CleanerFront:
    """Reads by a named cleaner; mixed text is cut by language, with or without [ZH] marks."""

    def __init__(self, settings: TextFront) -> None:
        """Raises BadText: no such cleaner, or none at all."""
        unknown = [name for name in settings.cleaners if name not in CLEANERS]
        if unknown or len(settings.cleaners) != 1:
            asked = ", ".join(unknown or settings.cleaners) or "none"
            raise BadText(f"the voice wants the cleaners {asked}; one that is known is needed")
        self._settings = settings
        self._cleaner = CLEANERS[settings.cleaners[0]]
        if settings.cleaners[0] == "chinese_cleaners" and "ㄅ" not in settings.symbols:
            self._cleaner = _PINYIN

    def sentences(self, text: str) -> list[list[int]]:
        """See :class:`vits.text.front.Front`."""
        found = []
        for sentence in self._sentences(text):
            symbols = [c for c in self._cleaner.clean(sentence) if c in self._settings.symbols]
            if any(unicodedata.category(symbol)[0] in "LN" for symbol in symbols):
                found += [self._ids(part) for part in cut_symbols(symbols, _PAUSES)]
        return found

    def _sentences(self, text: str) -> Iterator[list[tuple[str, str]]]:
        languages = self._cleaner.languages
        # A voice of one language has nothing to choose.
        only = [("".join(languages), text)]
        stretches = spans(text, languages) if len(languages) > 1 else only
        current: list[tuple[str, str]] = []
        for language, stretch in stretches:
            for piece in split_sentences(stretch, MOST_CHARACTERS):
                if sum(len(part) for _, part in current) + len(piece) > MOST_CHARACTERS and current:
                    yield current
                    current = []
                if piece.strip():
                    current.append((language, piece.strip()))
                if _ENDS.search(piece) and current:
                    yield current
                    current = []
        if current:
            yield current

    def _ids(self, symbols: list[str]) -> list[int]:
        ids = [row for symbol in symbols for row in self._settings.symbols[symbol]]
        return with_blanks(ids) if self._settings.add_blank else ids


def with_blanks(ids: list[int], blank: int = 0) -> list[int]:
    """A blank before, between and after: (n,) -> (2 n + 1,)."""
    spaced = [blank] * (2 * len(ids) + 1)
    spaced[1::2] = ids
    return spaced
