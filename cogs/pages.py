"""Long answers as Discord messages: a pure splitter.

Rules, each held by a property test:

1. No character is lost: the bodies of the pages, joined, are the text.
2. No page is longer than Discord allows, counted in UTF-16 units (the stricter count).
3. A code fence that a cut goes through is closed on the page it leaves and reopened, with its
   language, on the page it enters.
4. Text that grows never changes a page that has a successor, so a full message is edited once.

Discord's fences are not Markdown's: three backticks anywhere open, the next three close, and the
word after the opening is a language only if a line ends right after it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate

PAGE_UNITS = 1900
"""Where a page is cut: below Discord's 2,000, so that fences and a footer fit."""
MESSAGE_UNITS = 2000
BLANK = "\u200b"
"""Shown instead of nothing: Discord refuses a message of spaces only."""

_FENCE = re.compile(r"```(?:(?P<language>[A-Za-z0-9_+\-.#]{1,24})(?=\n))?")
_OPEN_HEADER = re.compile(r"`+[A-Za-z0-9_+\-.#]{0,24}\Z")
_GLUE = frozenset("\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Page:
    """One message: ``body`` is a piece of the text; the rest is added so that it renders."""

    body: str
    opening: str = ""
    closing: str = ""
    footer: str = ""

    def render(self) -> str:
        """The message's content, never empty, never over Discord's limit."""
        text = f"{self.opening}{self.body}{self.closing}"
        if not text.strip():
            text = ""
        joined = f"{text}\n{self.footer}" if text and self.footer else text or self.footer
        return joined or BLANK


def within(lines: list[str]) -> str:
    """As many whole lines as one message holds; a last one of three dots says that there are more.

    It takes lines that are each far shorter than a message.
    """
    while units("\n".join(lines)) > MESSAGE_UNITS:
        lines = [*lines[:-2], "\u2026"]
    return "\n".join(lines)


def units(text: str) -> int:
    """Length in UTF-16 code units, as Discord's own clients count."""
    return len(text) + sum(character > "\uffff" for character in text)


def paginate(text: str, *, footer: str = "", limit: int = PAGE_UNITS) -> list[Page]:
    """Cut ``text`` into pages of at most ``limit`` units of body; at least one page.

    The ``footer`` goes under the last page, or onto a page of its own where it would not fit.
    """
    pages: list[Page] = []
    language: str | None = None  # of the fence the page starts in; None outside of one
    rest = text
    while True:
        cut = _cut(rest, limit, inside=language is not None)
        body, rest = rest[:cut], rest[cut:]
        opening = "" if language is None else f"```{language}\n"
        language = _fence_after(body, language)
        closing = "" if language is None else ("```" if body.endswith("\n") else "\n```")
        pages.append(Page(body, opening, closing))
        if not rest:
            break
    if footer:
        last = pages[-1]
        with_footer = Page(last.body, last.opening, last.closing, footer)
        if units(with_footer.render()) <= MESSAGE_UNITS:
            pages[-1] = with_footer
        else:
            pages.append(Page("", footer=footer))
    return pages


def _fence_after(body: str, language: str | None) -> str | None:
    """The language of the fence that is open where ``body`` ends, or None."""
    for mark in _FENCE.finditer(body):
        language = (mark["language"] or "") if language is None else None
    return language


def _cut(text: str, limit: int, *, inside: bool) -> int:
    """How many characters of ``text`` belong to this page. ``inside``: it starts within a fence."""
    end = _fitting(text, limit)
    if end == len(text):
        return end
    earliest = end // 2
    for mark in ("\n\n", "\n", ". ", "。", " ", ",", "、"):
        # Within code, blank lines and sentences mean nothing: only a line's end does.
        if inside and mark != "\n":
            continue
        found = text.rfind(mark, earliest, end)
        if found >= 0:
            return _outside_marks(text, found + len(mark))
    return _outside_marks(text, end)


def _fitting(text: str, limit: int) -> int:
    """The longest prefix, in characters, of at most ``limit`` UTF-16 units."""
    if units(text) <= limit:
        return len(text)
    widths = accumulate(1 + (character > "\uffff") for character in text)
    return next(index for index, width in enumerate(widths) if width > limit)


def _outside_marks(text: str, cut: int) -> int:
    """Move a cut left until it parts neither a fence mark, nor its language, nor a character.

    Only ``text[: cut + 1]`` is looked at, so that text still to come cannot move a cut.
    """
    header = _OPEN_HEADER.search(text, 0, cut)
    if header and header.start() > 0:
        return header.start()
    moved = cut
    while moved > 1 and (
        unicodedata.combining(text[moved]) or text[moved] in _GLUE or text[moved - 1] == "\u200d"
    ):
        moved -= 1
    return moved if moved > 1 else cut
