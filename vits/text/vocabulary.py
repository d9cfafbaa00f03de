"""The tokenizer of Hugging Face's VitsModel (MMS voices): letters, or phonemes, of a vocabulary."""

from __future__ import annotations

import functools
import re
from typing import Any

from vits.config import TextFront
from vits.errors import MissingDependency
from vits.text.cleaners import with_blanks
from vits.text.english import phonemized
from vits.text.sentences import cut_symbols, split_sentences


class VocabularyFront:
    """Looks letters up, in lower case where the vocabulary wants it."""

    def __init__(self, settings: TextFront) -> None:
        self._settings = settings
        # Longest first: a vocabulary may have symbols of several letters.
        symbols = sorted((s for s in settings.symbols if s), key=lambda s: (-len(s), s))
        self._symbol = re.compile("|".join(map(re.escape, symbols)) or r"(?!)")
        pauses = ("".join(s for s in symbols if s in ".!?"), ",;:", " ")
        self._pauses = tuple(marks for marks in pauses if marks)

    def sentences(self, text: str) -> list[list[int]]:
        """See :class:`vits.text.front.Front`."""
        found = []
        for sentence in split_sentences(text):
            symbols = self._symbol.findall(self._written(sentence))
            if any(symbol.strip() and symbol.isalnum() for symbol in symbols):
                for part in cut_symbols(symbols, self._pauses):
                    ids = [row for symbol in part for row in self._settings.symbols[symbol]]
                    found.append(with_blanks(ids) if self._settings.add_blank else ids)
        return found

    def _written(self, text: str) -> str:
        settings = self._settings
        if settings.romanize and not text.isascii():
            text = str(_uroman().romanize_string(text))
        if settings.lower_case:
            # Special symbols such as <unk> keep their case; nobody types them.
            text = text.lower()
        if settings.espeak_voice:
            return phonemized(text, settings.espeak_voice, stress=True, marks=True)
        return re.sub(r"\s+", " ", text).strip()


def _uroman() -> Any:
    try:
        import uroman
    except ImportError as error:
        raise MissingDependency(
            "this voice reads text in Latin letters: pip install uroman"
        ) from error
    return _made(uroman.Uroman)


@functools.cache
def _made(kind: Any) -> Any:
    return kind()
