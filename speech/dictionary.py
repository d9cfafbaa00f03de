"""How people want words pronounced: at three levels, the nearest wins. Pure.

A person's own entries come before the server's, and those before Parley's. The text is read
once, from left to right; at each place the longest entry that fits is taken, and what it put in
is not looked at again, so entries cannot feed on each other.

An entry whose edge is a letter of a script with spaces fits whole words only ("cat" is not in
"category"); Chinese and Japanese have no such edges, so there it fits anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

ENTRY_LIMIT = 100
"""Longest written form or reading, in characters."""

_ASCII_SPACES: Final = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f"), " ")
_NOT_IN_A_WORD: Final = r"(?<![^\W_\u2e80-\U0010ffff]{2})"  # see _joined


def written(form: str) -> str:
    """The form under which an entry is kept: case, width and spacing do not matter."""
    return " ".join(unicodedata.normalize("NFKC", form).casefold().split())


@dataclass(frozen=True)
class Hit:
    """An entry that was used: ``said`` instead of ``seen``, by ``level`` (user, server, global)."""

    seen: str
    said: str
    level: str


@dataclass(frozen=True)
class Dictionary:
    """Entries of each level: what is written -> how it is said.

    Building it costs time linear in the entries; build one per person and keep it. Using it costs
    at most :data:`ENTRY_LIMIT` steps a character, however many entries there are.
    """

    user: Mapping[str, str] = field(default_factory=dict)
    server: Mapping[str, str] = field(default_factory=dict)
    world: Mapping[str, str] = field(default_factory=dict)
    _trie: _Node = field(init=False, repr=False, compare=False, default_factory=lambda: _Node())
    # Where an entry can begin; nowhere without one. Other places cost no step of Python's.
    _begins: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        # The nearest level comes last, so that it overwrites.
        for level, table in (("global", self.world), ("server", self.server), ("user", self.user)):
            for form, said in table.items():
                if key := written(form)[:ENTRY_LIMIT]:
                    self._trie.add(key, said, level)
        if self._trie.next:
            firsts = "".join(map(re.escape, self._trie.next))
            object.__setattr__(self, "_begins", re.compile(f"[{firsts}]{_NOT_IN_A_WORD}"))

    def apply(self, text: str) -> str:
        """``text`` with every entry replaced by how it is said."""
        return self.preview(text)[0]

    def preview(self, text: str) -> tuple[str, list[Hit]]:
        """What :meth:`apply` makes of ``text``, and which entries it used, in order."""
        pieces = self.pieces(text)
        said = (piece.said if isinstance(piece, Hit) else piece for piece in pieces)
        return "".join(said), [piece for piece in pieces if isinstance(piece, Hit)]

    def pieces(self, text: str) -> list[str | Hit]:
        """``text`` cut at the entries in it: what is between them, and what stands for them."""
        if self._begins is None:
            return [text] if text else []
        pieces: list[str | Hit] = []
        copied = 0
        folded = _folded(text)
        for place in self._begins.finditer(folded):
            if (at := place.start()) < copied:
                continue
            end, entry = self._longest(folded, at)
            if entry is not None:
                pieces += [text[copied:at], Hit(text[at:end], entry.said, entry.level)]
                copied = end
        return [piece for piece in [*pieces, text[copied:]] if piece != ""]

    def _longest(self, folded: str, start: int) -> tuple[int, _Node | None]:
        """The longest entry at ``start`` that is whole where its script has words."""
        found: tuple[int, _Node | None] = (start, None)
        node: _Node | None = self._trie
        for at in range(start, len(folded)):
            node = node.next.get(folded[at]) if node else None
            if node is None:
                break
            whole = at + 1 == len(folded) or not _joined(folded[at], folded[at + 1])
            if node.level and whole:
                found = (at + 1, node)
        return found


@dataclass
class _Node:
    """A place in the tree of written forms; an entry ends here when it has a level."""

    next: dict[str, _Node] = field(default_factory=dict)
    said: str = ""
    level: str = ""

    def add(self, form: str, said: str, level: str) -> None:
        node = self
        for character in form:
            node = node.next.setdefault(character, _Node())
        node.said, node.level = said, level


def _folded(text: str) -> str:
    """``text``, as long, with each character as :func:`written` has it."""
    if text.isascii():
        return text.lower().translate(_ASCII_SPACES)
    return "".join(map(_fold, text))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """The character as :func:`written` has it, if that is one character too."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    if folded.isspace() or not folded:
        return " "
    return folded if len(folded) == 1 else character


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word of a script that puts spaces between words."""
    return left < "\u2e80" > right and left.isalnum() and right.isalnum()
