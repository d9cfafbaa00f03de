"""How people want words pronounced: at three levels, the nearest wins. Pure.

A person's own entries come before the server's, and those before Parley's. The text is read
once, from left to right; at each place the longest entry that fits is taken, and what it put in
is not looked at again, so entries cannot feed on each other.

An entry whose edge is a letter of a script with spaces fits whole words only ("cat" is not in
"category"); Chinese and Japanese have no such edges, so there it fits anywhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

ENTRY_LIMIT = 100
"""Longest written form or reading, in characters."""


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

    def __post_init__(self) -> None:
        # The nearest level comes last, so that it overwrites.
        for level, table in (("global", self.world), ("server", self.server), ("user", self.user)):
            for form, said in table.items():
                if key := written(form)[:ENTRY_LIMIT]:
                    self._trie.add(key, said, level)

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
        folded = [_fold(character) for character in text] if self._trie.next else []
        pieces: list[str | Hit] = []
        at = copied = 0
        while at < len(folded):
            end, entry = self._longest(folded, at)
            if entry is None:
                at += 1
                continue
            pieces += [text[copied:at], Hit(text[at:end], entry.said, entry.level)]
            at = copied = end
        return [piece for piece in [*pieces, text[copied:]] if piece != ""]

    def _longest(self, folded: list[str], start: int) -> tuple[int, _Node | None]:
        """The longest entry at ``start`` that is whole where its script has words."""
        found: tuple[int, _Node | None] = (start, None)
        if start and _joined(folded[start - 1], folded[start]):
            return found
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


def _fold(character: str) -> str:
    """The character as :func:`written` has it, if that is one character too."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    if folded.isspace() or not folded:
        return " "
    return folded if len(folded) == 1 else character


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word of a script that puts spaces between words."""
    return all(each.isalnum() and each < "\u2e80" for each in (left, right))
