"""Cuts text into sentences while it is still being written. Pure.

Two rules hold for any text and any borders between pieces:

1. joined together, what comes out is what went in, character for character;
2. a cut depends on the text alone, so the same text gives the same sentences
   whether it came in one piece or letter by letter.

Rule 2 is why the scanner waits when it has not seen enough of what follows: "3." may
become "3.14". White space after a sentence leads the next one, so that a sentence can
leave as soon as its end is certain.

Never cut are code fences, inline code and spoilers (half a spoiler would be read
aloud), nor links and mentions where a long sentence has to be cut somewhere.
"""

from __future__ import annotations

import re
from typing import Final

LIMIT: Final = 240
"""Longest sentence, in weight: a Latin letter weighs 1, a CJK character (a syllable) 3."""

LEAST: Final = 60
"""A clause shorter than this is not worth a cut of its own."""

MESSAGE_LIMIT: Final = 2_000
"""Discord's longest message. Nothing that is still open after so many characters ever closes."""

# Followed by a full stop that ends no sentence.
_TITLES = re.compile(
    r"mr|mrs|ms|mx|dr|prof|sr|st|mt|rev|hon|gen|col|capt|lt|sgt|gov|sen|rep|pres|messrs|e\.g|i\.e|eg|"
    r"ie|cf|vs|viz|al|approx|ca|figs?|nos?|vol|pp?|ch|sec|eqs?|eds?|trans|dept|univ|assn|bros|jan|feb|"
    r"mar|apr|jun|jul|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)
# These may end one: what follows decides.
_EITHER = re.compile(
    r"etc|inc|ltd|co|corp|jr|[ap]\.m|u\.[skn]|e\.u|d\.c|ph\.d|[bm]\.a", re.IGNORECASE
)

_END = re.compile(r"[.!?…。！？｡．]+[\"'”’»)\]*_~」』）】》〉〕］]*")
_CLAUSE = re.compile(r"[,;:，、；：]|[—–…]+|[~～]+")
_WORD = re.compile(r"[^\W\d_][\w.]*$")
_ITEM = re.compile(r"\s*(?:[-*+>#]+\s*)?(?:\d{1,3}|[A-Za-z])$")
_SPACE = re.compile(r"\s+")
_GLUE = re.compile(
    "[\u0300-\u036f\u200c-\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_WIDE_STOPS: Final = frozenset("。！？｡")
_QUOTING: Final = frozenset("とっ、，,")  # 「はい。」と言った: the sentence goes on


def _is_wide(character: str) -> bool:
    return character >= "\u2e80"


class Splitter:
    """Feed pieces, get sentences; ``flush`` gives what is left when the text has ended."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._text = ""
        self._restart()

    def feed(self, piece: str) -> list[str]:
        """Take the next piece; return the sentences that are now certain to be complete."""
        self._text += piece
        return self._cut_all(final=False)

    def flush(self) -> list[str]:
        """Return the rest. The splitter is then as new."""
        sentences = self._cut_all(final=True)
        if self._text:
            sentences.append(self._text)
        self._text = ""
        self._restart()
        return sentences

    # --- the scanner: self._at is the first character it has not judged yet ---

    def _restart(self) -> None:
        self._at = 0
        self._weight = 0
        self._clause = 0  # the best places to cut a sentence that grows too long
        self._space = 0
        self._blank = True
        self._inside = ""  # "```", "`" or "||" while one is open

    def _cut_all(self, *, final: bool) -> list[str]:
        sentences = []
        while cut := self._scan(final=final):
            sentences.append(self._text[:cut])
            self._text = self._text[cut:]
            self._restart()
        return sentences

    def _scan(self, *, final: bool) -> int:
        """Length of the first sentence; 0 when its end has not been seen yet."""
        while self._at < len(self._text):
            if self._inside:
                found = self._look_for_end_of_span(final=final)
            else:
                found = self._look(final=final)
            if found is None:
                return 0
            if found:
                return found
        return 0

    def _pass(self, end: int) -> int:
        """Judge the characters up to ``end`` as part of the sentence; cut if it is too long."""
        for index in range(self._at, end):
            character = self._text[index]
            self._weight += 3 if _is_wide(character) else 1
            if character.isspace():
                self._space = index
            else:
                self._blank = False
        self._at = end
        return self._overlong() if self._weight >= self._limit else 0

    def _look(self, *, final: bool) -> int | None:
        text, at = self._text, self._at
        character = text[at]
        if character in "`|":
            return self._open_span(final=final)
        if character == "\n" and not self._blank:
            return at
        if ending := _END.match(text, at):
            if ending.end() == len(text) and not final:
                return None
            return self._judge_ending(ending, final=final)
        if clause := _CLAUSE.match(text, at):
            if clause.end() == len(text) and not final:
                return None
            follower = text[clause.end() : clause.end() + 1]
            if _is_wide(character) or follower.isspace() or character in "—–…":
                cut = self._pass(clause.end())
                if not cut and self._weight >= LEAST:
                    self._clause = self._at
                return cut
        return self._pass(at + 1)

    def _open_span(self, *, final: bool) -> int | None:
        text, at = self._text, self._at
        for mark in ("```", "||"):
            if text.startswith(mark, at):
                if mark == "```" and not self._blank:
                    return at  # what was said before the code is a sentence
                self._inside = mark
                return self._pass_span(at + len(mark))
            if mark.startswith(text[at:]) and not final:
                return None
        if text[at] == "`":
            self._inside = "`"
        return self._pass(at + 1)

    def _look_for_end_of_span(self, *, final: bool) -> int | None:
        mark, text, at = self._inside, self._text, self._at
        if mark == "```":
            end = text.find(mark, at)
            if end < 0:
                self._at = max(at, len(text) - 2)
                return None
            self._inside = ""
            self._pass_span(end + len(mark))
            return self._at
        horizon = at + MESSAGE_LIMIT
        end = text.find(mark, at, horizon)
        line_end = text.find("\n", at, horizon) if mark == "`" else -1
        if end >= 0 and not 0 <= line_end < end:
            self._inside = ""
            return self._pass_span(end + len(mark))
        if final or line_end >= 0 or len(text) >= horizon:
            self._inside = ""  # it opened nothing after all
            return 0
        return None

    def _pass_span(self, end: int) -> int:
        self._at = end
        self._weight += 1
        self._blank = False
        return 0

    def _judge_ending(self, ending: re.Match[str], *, final: bool) -> int | None:
        text, end = self._text, ending.end()
        marks = ending[0]
        follower = text[end : end + 1]
        if any(mark in _WIDE_STOPS for mark in marks):
            return self._pass(end) if follower in _QUOTING and follower else end
        if _is_wide(follower or " ") and marks[0] in "!?":
            return end
        if not follower.isspace():
            cut = self._pass(end)
            if not cut and marks[0] == "…" and self._weight >= LEAST:
                self._clause = self._at
            return cut
        kind = self._kind_of_stop(marks)
        if kind == "never":
            return self._pass(end)
        if kind == "either":
            space = _SPACE.match(text, end)
            after = space.end() if space else end
            if after == len(text) and not final:
                return None
            newline = "\n" in text[end:after]
            if not newline and after < len(text) and text[after].islower():
                return self._pass(end)
        return end

    def _kind_of_stop(self, marks: str) -> str:
        """Whether a stop followed by white space ends a sentence: ``always|either|never``."""
        if marks.startswith(("...", "…")):
            return "either"
        if marks[0] != ".":
            return "always"
        before = self._text[: self._at]
        if _ITEM.fullmatch(before):
            return "never"  # "1. Take the eggs"
        word = _WORD.search(before, max(0, len(before) - 16))
        if word is None:
            return "always"
        name = word[0].rstrip(".")
        if _TITLES.fullmatch(name):
            return "never"
        if _EITHER.fullmatch(name):
            return "either"
        if len(name) == 1 and name.isupper() and name != "I":
            earlier = before[: word.start()].split()
            if not earlier or earlier[-1][:1].isupper():
                return "never"  # "George W. Bush"
        return "always"

    def _overlong(self) -> int:
        """Where to cut a sentence that has no end in sight: a clause, a space, or here."""
        if self._clause:
            return self._clause
        if self._space >= LEAST // 3:
            return self._space
        start = self._space + 1 if self._space else 0
        token = self._text[start : self._at]
        if "://" in token and self._at < MESSAGE_LIMIT:
            return 0
        opened = self._text.rfind("<", max(0, self._at - 64), self._at)
        if opened > 0 and ">" not in self._text[opened : self._at]:
            return opened
        cut = self._at - 1
        while cut > self._at - 32 and cut > 1 and _GLUE.search(self._text[cut - 1 : cut + 1]):
            cut -= 1  # keep an emoji or an accented letter whole
        return max(cut, 1)
