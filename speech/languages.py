"""Which language each stretch of a text is in, and which voice speaks it. Pure.

Script decides where it can: kana is Japanese, bopomofo Chinese, hangul Korean, and so on. Han
alone is the listener's language if that writes Han; a clause with kana makes its Han Japanese.
Digits, punctuation and spaces belong to what they follow, so that "3.14" after "Python" is
read in English and after 圓周率是 in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

from speech.base import Line, VoiceChoice

# Characters of each script. Chinese and Japanese share theirs; kana tells them apart.
_SCRIPTS: Final = {
    "cjk": r"\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff",
    "zh": r"\u3105-\u312f\u31a0-\u31bf",  # bopomofo
    "ko": r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "latin": r"A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "ru": r"\u0400-\u052f",
    "el": r"\u0370-\u03ff\u1f00-\u1fff",
    "he": r"\u0590-\u05ff",
    "ar": r"\u0600-\u06ff\u0750-\u077f",
    "hi": r"\u0900-\u097f",
    "th": r"\u0e00-\u0e7f",
}


def _run(script: str) -> str:
    """A letter of ``script`` and all that follows, up to a letter of another."""
    others = "".join(letters for name, letters in _SCRIPTS.items() if name != script)
    return f"(?P<{script}>[{_SCRIPTS[script]}][^{others}]*)"


_RUNS = re.compile("|".join(map(_run, _SCRIPTS)))
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
_CLAUSE_END = re.compile(r"[\s。！？!?；;「」『』（）()《》“”\"]")
_NOT_LATIN = frozenset(
    ["ar", "el", "he", "hi", "ja", "ko", "ru", "th", "uk", "zh", "yue", "bg", "fa", "ur"]
)
_LONE_NO = "の"  # in Taiwan a lone の decorates Chinese names; it makes no Japanese


@dataclass(frozen=True)
class Span:
    """A stretch of text in one language (a BCP 47 tag)."""

    text: str
    language: str


@dataclass(frozen=True)
class Tongue:
    """A voice and the languages it speaks, the main one first."""

    voice: str
    languages: tuple[str, ...]


def base(language: str) -> str:
    """``zh`` of ``zh-TW``."""
    return language.replace("_", "-").split("-")[0].lower()


def spans(text: str, language: str) -> list[Span]:
    """Cut ``text`` by language. Joined together, the spans are the text. Linear.

    ``language`` is the listener's; it decides what script cannot.
    """
    kana = bool(_KANA.search(text))
    tongue = base(language)
    alone = language if tongue in {"ja", "zh"} else "ja" if kana else "zh-TW"
    named = {
        "latin": "en" if tongue in _NOT_LATIN else language,
        "zh": language if tongue == "zh" else "zh-TW",
    }
    pieces: list[tuple[str, str]] = []
    for clause in _clauses(text) if kana and alone != "ja" else [text]:
        named["cjk"] = _han(clause, alone) if kana else alone
        pieces += _runs(clause, named)
    return _merged(Span(piece, found or language) for piece, found in _settled(pieces))


def _clauses(text: str) -> list[str]:
    edges = [0, *(mark.end() for mark in _CLAUSE_END.finditer(text)), len(text)]
    return [text[a:b] for a, b in pairwise(edges) if a < b]


def _han(clause: str, alone: str) -> str:
    """The language of Han characters in ``clause``; ``alone`` if nothing else tells."""
    kana = _KANA.search(clause)
    if not kana or alone == "ja":
        return alone
    lone = kana[0] == _LONE_NO and not _KANA.search(clause, kana.end())
    return alone if lone and base(alone) == "zh" else "ja"


def _runs(clause: str, named: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pieces with their language; what comes before the first letter has none."""
    runs = [
        (match[0], named.get(match.lastgroup or "", match.lastgroup or ""))
        for match in _RUNS.finditer(clause)
    ]
    leading = len(clause) - sum(len(run) for run, _ in runs)
    return [(clause[:leading], ""), *runs] if leading else runs


def _settled(pieces: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neutral pieces join what they follow; leading ones what comes next."""
    settled: list[tuple[str, str]] = []
    leading = ""
    for text, language in pieces:
        if language:
            settled.append((leading + text, language))
            leading = ""
        elif settled:
            settled[-1] = (settled[-1][0] + text, settled[-1][1])
        else:
            leading += text
    if leading:
        settled.append((leading, ""))
    return settled


def _merged(pieces: Iterable[Span]) -> list[Span]:
    return [
        Span("".join(span.text for span in group), language)
        for language, group in groupby(pieces, key=lambda span: span.language)
    ]


class Casting:
    """Finds a voice for each stretch: the chosen one if it speaks the language, else one that does.

    ``fallback`` is a voice for every language, of last resort.
    """

    def __init__(self, tongues: Sequence[Tongue], fallback: str) -> None:
        self._tongues = tuple(tongues)
        self._fallback = fallback

    def know(self, tongues: Sequence[Tongue]) -> None:
        """These are the voices from now on."""
        self._tongues = tuple(tongues)

    def voice_for(self, language: str, chosen: str, barred: Set[str] = frozenset()) -> str:
        """The voice that speaks ``language`` to somebody who chose ``chosen``.

        Never one of ``barred`` (case folded names), were it the only one.
        """
        free = (tongue for tongue in self._tongues if tongue.voice.casefold() not in barred)
        by_preference = sorted(free, key=lambda tongue: tongue.voice != chosen)
        for exactly in (False, True) if self._speaks(chosen, language) else (True, False):
            for tongue in by_preference:
                if any(_same(spoken, language, exactly) for spoken in tongue.languages):
                    return tongue.voice
        return self._fallback

    def lines(self, text: str, choice: VoiceChoice, barred: Set[str] = frozenset()) -> list[Line]:
        """``text`` as lines, each for a voice that speaks it; ``choice.language`` the listener's.

        No line is for a voice in ``barred``, whatever was chosen. Neighbours that one voice speaks
        stay one line, whose language is that of its beginning: a voice of several languages finds
        its own way. Stretches without a letter or digit join what they follow; text with none
        gives no line.
        """
        lines: list[Line] = []
        for span in spans(text, choice.language):
            voice = self.voice_for(span.language, choice.voice, barred)
            cast = replace(choice, voice=voice, language=span.language)
            if voice != choice.voice:
                cast = replace(cast, speaker=None)  # speakers are one voice's own
            if lines and (self._shared(lines[-1].choice, cast) or not _audible(span.text)):
                lines[-1] = replace(lines[-1], text=lines[-1].text + span.text)
            elif _audible(span.text):
                lines.append(Line(span.text, cast))
        return lines

    def _shared(self, one: VoiceChoice, other: VoiceChoice) -> bool:
        """Whether both are the same voice, not merely the fallback in two languages."""
        same_language = one.language == other.language
        return one.voice == other.voice and (same_language or one.voice != self._fallback)

    def _speaks(self, voice: str, language: str) -> bool:
        return any(
            _same(spoken, language, False)
            for tongue in self._tongues
            if tongue.voice == voice
            for spoken in tongue.languages
        )


def _same(spoken: str, language: str, exactly: bool) -> bool:
    if exactly:
        return spoken.lower() == language.lower()
    return base(spoken) == base(language)


def _audible(text: str) -> bool:
    return any(character.isalnum() for character in text)
