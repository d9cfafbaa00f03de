"""How Japanese is read: kana, phonemes and pitch accent.

OpenJTalk (the extra ``japanese``) knows readings and accents. Without it pykakasi gives readings
alone, enough for espeak-ng's voice but not for a trained one.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from typing import Any

from vits.errors import MissingDependency

_KANJI = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
HOW = "Japanese voices need OpenJTalk: pip install pyopenjtalk-plus"


def has_openjtalk() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("pyopenjtalk") is not None


def openjtalk() -> Any:
    """The module. Raises MissingDependency, which says how to install it."""
    if not has_openjtalk():
        raise MissingDependency(HOW)
    import pyopenjtalk

    return pyopenjtalk


def kana(text: str) -> str:
    """``text`` with its kanji as kana; nothing else is changed.

    Raises:
        MissingDependency: there is kanji, and neither OpenJTalk nor pykakasi is installed.
    """
    if not _KANJI.search(text):
        return text
    if has_openjtalk():
        return "".join(
            str(openjtalk().g2p(part, kana=True)) if _KANJI.search(part) else part
            for part in re.split(r"([\s。、！？!?,.「」『』（）()]+)", text)
        )
    return "".join(str(word["hira"]) for word in _kakasi().convert(text))


@functools.cache
def _kakasi() -> Any:
    try:
        import pykakasi
    except ImportError as error:
        raise MissingDependency("Japanese needs a package: pip install pykakasi") from error
    made: Any = pykakasi.kakasi
    return made()
