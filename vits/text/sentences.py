"""Cutting text, and symbols, into pieces that an engine can take. Nothing is ever dropped.

Pure; linear in the length of the text. What a chat bot does while text is still being written is
the business of others: here the text is complete.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_CHARACTERS = 300
"""A written sentence longer than this is cut: no one speaks it in one breath."""

MOST_SYMBOLS = 400
"""A sentence of more symbols than this is cut; attention costs their square."""

_END = re.compile(
    r"""
    [.!?]+ ["'”’)\]}]* (?=\s|$)          # Latin marks end a sentence before a space
    | [。！？｡]+ ["'”’」』）)\]}]*          # ideographic ones anywhere
    | [।॥։؟۔።]+ (?=\s|$)
    | […⋯]+ (?=\s|$)
    | \n+
    """,
    re.VERBOSE,
)
_PAUSE = re.compile(r"[,;:、，；：—–…)）」』](?!\d)")


def split_sentences(text: str, most: int = MOST_CHARACTERS) -> list[str]:
    """Cut at sentence ends, and what is still longer than ``most`` at pauses or spaces.

    Joined, the pieces are ``text`` again, character by character. Pieces of only white space go
    with the piece before.
    """
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        pieces += _bounded(text[start : match.end()], most)
        start = match.end()
    pieces += _bounded(text[start:], most)
    joined: list[str] = []
    for piece in pieces:
        if joined and not piece.strip():
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _bounded(text: str, most: int) -> list[str]:
    pieces = []
    start = 0
    while len(text) - start > most:
        window = text[start : start + most]
        cut = max((m.end() for m in _PAUSE.finditer(window)), default=0)
        if cut < most // 3:  # a pause right at the beginning is no place to cut
            cut = window.rfind(" ") + 1
        if cut < most // 3:
            cut = most
        pieces.append(text[start : start + cut])
        start += cut
    rest = text[start:]
    return [*pieces, rest] if rest else pieces


def cut_symbols(
    symbols: Sequence[str], pauses: Sequence[str], most: int = MOST_SYMBOLS
) -> list[list[str]]:
    """Cut a long run of symbols after the last pause that fits.

    Args:
        symbols: phonemes and marks of one sentence.
        pauses: sets of marks, the best place to cut first.
        most: longest piece.

    Returns:
        Pieces of 1 to ``most`` symbols; joined they are ``symbols``.
    """
    pieces = []
    start = 0
    while len(symbols) - start > most:
        window = symbols[start : start + most]
        cut = most
        for marks in pauses:
            places = [i + 1 for i in range(most // 3, most) if window[i] in marks]
            if places:
                cut = places[-1]
                break
        pieces.append(list(window[:cut]))
        start += cut
    rest = list(symbols[start:])
    return [*pieces, rest] if rest else pieces
