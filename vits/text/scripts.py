"""Which stretches of a text a voice can read, and in which language the others are.

A last safety net below whatever chose the voice: by script alone, so that a stretch in a script
that the voice's languages do not write is spoken by espeak-ng instead of being lost. Pure, linear.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from vits.config import VoiceConfig

_SCRIPTS = {
    "hani": "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002fa1f",
    "kana": "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "bopo": "\u3105-\u312f\u31a0-\u31bf",
    "hang": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "cyrl": "\u0400-\u052f",
    "grek": "\u0370-\u03ff\u1f00-\u1fff",
    "arab": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "hebr": "\u0590-\u05ff",
    "deva": "\u0900-\u097f",
    "beng": "\u0980-\u09ff",
    "taml": "\u0b80-\u0bff",
    "telu": "\u0c00-\u0c7f",
    "thai": "\u0e00-\u0e7f",
    "geor": "\u10a0-\u10ff\u2d00-\u2d2f",
    "armn": "\u0530-\u058f",
    "ethi": "\u1200-\u137f",
    "latn": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
}
_LETTER = re.compile("|".join(f"(?P<{name}>[{chars}])" for name, chars in _SCRIPTS.items()))

# The language to speak a script in when nothing better is known.
_LANGUAGES = {
    "hani": "zh",
    "kana": "ja",
    "bopo": "zh",
    "hang": "ko",
    "cyrl": "ru",
    "grek": "el",
    "arab": "ar",
    "hebr": "he",
    "deva": "hi",
    "beng": "bn",
    "taml": "ta",
    "telu": "te",
    "thai": "th",
    "geor": "ka",
    "armn": "hy",
    "ethi": "am",
    "latn": "en",
}
# Scripts that a language writes; every language may have Latin words in it.
_WRITES = {
    **{"zh": "hani bopo", "cmn": "hani bopo", "yue": "hani bopo", "ja": "hani kana", "ko": "hang"},
    **dict.fromkeys(["ru", "uk", "be", "bg", "mk", "kk", "ky", "mn", "tt", "sr"], "cyrl"),
    **{"el": "grek", "hi": "deva", "ne": "deva", "mr": "deva", "th": "thai", "ka": "geor"},
    **dict.fromkeys(["ar", "fa", "ur", "ps", "sd", "ug", "ku"], "arab"),
    **{"he": "hebr", "bn": "beng", "ta": "taml", "te": "telu", "hy": "armn", "am": "ethi"},
}


def base(language: str) -> str:
    """``zh`` of ``zh-TW``."""
    return re.split("[-_]", language.lower())[0]


def scripts_of(config: VoiceConfig) -> frozenset[str]:
    """The scripts that a voice reads."""
    front = config.front
    if front.romanize:
        return frozenset(_SCRIPTS)
    if front.kind in ("characters", "vocabulary") or not config.languages:
        letters = _LETTER.finditer(" ".join(front.symbols))
        found = frozenset(letter.lastgroup or "" for letter in letters)
        # Phonemes look like Latin letters and say nothing about what is read.
        return frozenset(_SCRIPTS) if front.kind == "espeak" or not found else found
    written = (_WRITES.get(base(tag), "").split() for tag in config.languages)
    return frozenset(script for scripts in written for script in scripts) | {"latn"}


def routed(text: str, known: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Cut ``text`` where the script asks for another voice.

    Args:
        text: any text.
        known: the scripts that the voice reads.

    Yields:
        (stretch, None) for the voice, or (stretch, language) for another. Joined, the stretches
        are the text. What belongs to no script stays with what is before it.
    """
    kana = re.search(f"[{_SCRIPTS['kana']}]", text) is not None
    start, current = 0, None
    begun = False
    for letter in _LETTER.finditer(text):
        script = letter.lastgroup or "latn"
        foreign = _LANGUAGES[script]
        if script == "hani" and kana and "hani" not in known:
            foreign = "ja"  # Han among kana is Japanese
        wanted = None if script in known else foreign
        if not begun:
            current, begun = wanted, True
        if wanted != current:
            yield text[start : letter.start()], current
            start, current = letter.start(), wanted
    if start < len(text):
        yield text[start:], current
