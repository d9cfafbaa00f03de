"""Language marks, [ZH]你好[ZH][EN]hello[EN]: written by people, or found by script. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import groupby

_MARKED = re.compile(r"\[(ZH|JA|EN|KO)\](.*?)\[\1\]", re.DOTALL)
_STRAY = re.compile(r"\[(?:ZH|JA|EN|KO)\]")
_SENTENCE = re.compile(r"[^。．.！!？?\n]*[。．.！!？?\n]*")
_RUN = re.compile(
    r"(?P<kana>[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]+)"
    r"|(?P<hani>[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3105-\u312f]+)"
    r"|(?P<hang>[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+)"
    r"|(?P<latn>[A-Za-z\u00c0-\u024f]+(?:['’-][A-Za-z\u00c0-\u024f]+)*)"
)


def spans(text: str, languages: Collection[str]) -> list[tuple[str, str]]:
    """(language, stretch) pairs; joined, the stretches are the text without marks.

    Args:
        text: with marks, without, or partly.
        languages: those the voice has, of ``zh ja en ko``; the first is for what nothing tells.
    """
    found: list[tuple[str, str]] = []
    place = 0
    for match in _MARKED.finditer(text):
        found += _by_script(_STRAY.sub("", text[place : match.start()]), languages)
        found.append((match[1].lower(), match[2]))
        place = match.end()
    found += _by_script(_STRAY.sub("", text[place:]), languages)
    return [
        (language, "".join(stretch for _, stretch in group))
        for language, group in groupby(found, key=lambda pair: pair[0])
    ]


def _by_script(text: str, languages: Collection[str]) -> Iterator[tuple[str, str]]:
    current = next(iter(languages))
    for sentence in _SENTENCE.findall(text):
        # Han in a sentence with kana is Japanese.
        kana = re.search("[\u3041-\u309f\u30a1-\u30fa]", sentence) is not None
        named = {"kana": "ja", "hani": "ja" if kana else "zh", "hang": "ko", "latn": "en"}
        place = 0
        first = True
        for run in _RUN.finditer(sentence):
            language = named[run.lastgroup or "latn"]
            if language not in languages:
                language = "ja" if language == "zh" and "ja" in languages else current
            if language != current and (run.start() > place) and not first:
                yield current, sentence[place : run.start()]
                place = run.start()
            current = language
            first = False
            yield current, sentence[place : run.end()]
            place = run.end()
        if place < len(sentence):
            yield current, sentence[place:]
