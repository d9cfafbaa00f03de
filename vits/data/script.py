"""The given transcript of a long recording: which of its words belong to which cut.

What Whisper heard of a cut is sought among the given words by the smallest edit distance (Sellers,
1980), and the given ones are used: they are right where Whisper mishears. Words are compared, or
characters where the writing has no spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vits.judge.whisper import CJK, one_script

MARKS = re.compile(r"\[([A-Z]{2})\]")  # [ZH], [JA], [EN]: kept in the text, not spoken
FASTEST = 8  # words or characters a second: how much a stretch that was not matched may hold
_ALIKE = 0.5  # of what was heard may differ from what was given
_SKIPPED = 0.1  # what it costs to pass over a word without reason: the nearest place wins

_LETTER = rf"(?![{CJK}])[^\W_]"
_WIDE = r"\u3001-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_UNIT = re.compile(rf"(?=[^\W_])[{CJK}]|{_LETTER}(?:[^\s{CJK}{_WIDE}]*{_LETTER})?")
_OPENING = "「『（《〈【〔［｛“‘([{¿¡«‹„‚"

Ids = npt.NDArray[np.int64]


class Script:
    """Gives its words out in their order, from where the last cut ended."""

    def __init__(self, text: str) -> None:
        self._text, self._runs = _unmarked(text)
        found = [unit for a, b, _ in self._runs for unit in _UNIT.finditer(self._text, a, b)]
        same = one_script(self._text)
        self._rows: dict[str, int] = {}
        plain = [_plain(same[unit.start() : unit.end()]) for unit in found]
        self._ids: Ids = np.array([self._rows.setdefault(p, len(self._rows)) for p in plain], int)
        # Where each unit begins, with what opens before it; what closes belongs to the one before.
        self._begins = [0]
        for before, after in pairwise(found):
            gap = self._text[before.end() : after.start()]
            kept = len(gap.rstrip(_OPENING))
            spaces = [space.end() for space in re.finditer(r"\s", gap)]
            self._begins.append(before.end() + (spaces[-1] if spaces else kept))
        self._begins.append(len(self._text))
        self._at = 0
        self._until_s = 0.0

    def match(self, heard: str, start_s: float = 0.0, end_s: float = 0.0) -> str:
        """The given words for what was heard between two times, or "" where nothing matches.

        The longer nothing has matched, the further they are sought. Marks stay in pairs.
        """
        same = one_script(MARKS.sub("", heard))
        units = [_plain(unit[0]) for unit in _UNIT.finditer(same)]
        said: Ids = np.array([self._rows.get(unit, -1) for unit in units], int)
        missed = int(FASTEST * max(0.0, start_s - self._until_s))
        ahead = self._ids[self._at : self._at + 3 * len(said) + 20 + missed]
        if not len(said) or not len(ahead):
            return ""
        ends = _edits(said, ahead, anywhere=True)
        late = np.maximum(0, np.arange(len(ends)) - len(said) - missed)
        end = _last_alike(ends, int(np.argmin(ends + _SKIPPED * late)))
        if ends[end] > _ALIKE * len(said):
            return ""
        starts = _edits(said[::-1], ahead[:end][::-1], anywhere=False)
        first = end - _last_alike(starts, int(np.argmin(starts)))
        text = self._written(self._begins[self._at + first], self._begins[self._at + end])
        self._at += end
        self._until_s = end_s
        return text

    def _written(self, first: int, last: int) -> str:
        """The text between two places, its marks around each stretch of it."""
        parts = []
        for start, end, mark in self._runs:
            part = self._text[max(first, start) : min(last, end)]
            parts.append(f"[{mark}]{part.strip()}[{mark}]" if mark and part.strip() else part)
        return "".join(parts).strip()


def _unmarked(text: str) -> tuple[str, list[tuple[int, int, str]]]:
    """Text without marks, and what was marked: (start, end, mark or ""). Stray marks are lost."""
    parts: list[tuple[str, str]] = []
    place, opened = 0, ""
    for mark in MARKS.finditer(text):
        closes = mark[1] == opened
        parts.append((text[place : mark.start()], opened if closes else ""))
        place, opened = mark.end(), "" if closes else mark[1]
    parts.append((text[place:], ""))
    runs, at = [], 0
    for part, name in parts:
        if part:
            runs.append((at, at + len(part), name))
        at += len(part)
    return "".join(part for part, _ in parts), runs


def _plain(unit: str) -> str:
    return "".join(ch for ch in unicodedata.normalize("NFKC", unit).lower() if ch.isalnum())


def _edits(said: Ids, given: Ids, *, anywhere: bool) -> Ids:
    """Edits from all of ``said`` (n,) to what of ``given`` (m,) ends at each of m + 1 places.

    It begins at the first, or ``anywhere`` before.
    """
    places = np.arange(len(given) + 1)
    row = np.zeros_like(places) if anywhere else places
    for number, unit in enumerate(said, 1):
        other = np.minimum(row[:-1] + (given != unit), row[1:] + 1)
        # A given unit that was not heard costs one, however many stand in a row.
        row = np.minimum.accumulate(np.concatenate(([number], other)) - places) + places
    return row


def _last_alike(edits: Ids, place: int) -> int:
    """What was misheard at the edge still belongs to the cut: the last place as good."""
    while place + 1 < len(edits) and edits[place + 1] == edits[place]:
        place += 1
    return place
