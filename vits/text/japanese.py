"""How Japanese is read: kana, phonemes and pitch accent.

OpenJTalk (the extra ``japanese``) knows readings and accents. Without it pykakasi gives readings
alone, enough for espeak-ng's voice but not for a trained one.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from itertools import pairwise
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


_WORDS = re.compile(r"[A-Za-z\d\u3005\u3040-\u30ff\u4e00-\u9fff０-９Ａ-Ｚａ-ｚｦ-ﾝ]+")
_ASCII = str.maketrans(
    {"、": ",", "。": ".", "，": ",", "！": "!", "？": "?", "…": "...", "～": "~", "〜": "~"}
    | {"「": "", "」": "", "『": "", "』": "", "（": "", "）": "", "・": "", "　": "", " ": ""}
    | {"：": ":", "；": ";", "―": "-", "—": "-", "“": '"', "”": '"', "’": "'"}
)


def romaji(text: str) -> str:
    """Phonemes of ``japanese_cleaners``: ↑ and ↓ where the pitch moves, a space between phrases.

    Raises:
        MissingDependency: OpenJTalk is not installed; says how.
    """
    out, place = "", 0
    text = text.replace("％", "パーセント").replace("%", "パーセント")
    for words in _WORDS.finditer(text):
        out += text[place : words.start()].translate(_ASCII)
        out += (" " if out else "") + _accented(words[0])
        place = words.end()
    return out + text[place:].translate(_ASCII)


def _accented(words: str) -> str:
    """Phonemes and accents of words without marks, from OpenJTalk's full-context labels.

    A label's phoneme is between - and +. A1 is the distance to the accent's fall, A2 the place in
    the accent phrase from its beginning, A3 from its end (the HTS label format).
    """
    labels = [
        re.search(r"-(.*?)\+(?:.*)/A:(-?\d+|xx)\+(\d+|xx)\+(\d+|xx)/", label)
        for label in openjtalk().extract_fullcontext(words)
    ]
    out = ""
    for label, following in pairwise(labels):
        if label is None or label[1] in ("sil", "pau"):
            continue
        out += {"ch": "ʧ", "sh": "ʃ", "cl": "Q"}.get(label[1], label[1])
        fall, place, left = (int(label[i]) for i in (2, 3, 4))
        paused = following is None or following[1] in ("sil", "pau")
        next_place = -1 if paused or following is None else int(following[3])
        if left == 1 and next_place == 1:
            out += " "
        elif fall == 0 and next_place == place + 1:
            out += "↓"
        elif place == 1 and next_place == 2:
            out += "↑"
    return out


_REAL = (
    # The stop before a doubled consonant, and the nasal, take the place of what follows.
    (r"Q([↑↓]*[kg])", r"k#\1"),
    (r"Q([↑↓]*[tdjʧ])", r"t#\1"),
    (r"Q([↑↓]*[sʃ])", r"s\1"),
    (r"Q([↑↓]*[pb])", r"p#\1"),
    (r"N([↑↓]*[pbm])", r"m\1"),
    (r"N([↑↓]*[ʧʥj])", r"n^\1"),
    (r"N([↑↓]*[tdn])", r"n\1"),
    (r"N([↑↓]*[kg])", r"ŋ\1"),
)
_IPA = (
    *(("u", "ɯ"), ("ʧ", "tʃ"), ("j", "dʑ"), ("y", "j"), ("ni", "n^i"), ("nj", "n^")),
    *(("hi", "çi"), ("hj", "ç"), ("f", "ɸ"), ("I", "i*"), ("U", "ɯ*"), ("r", "ɾ")),
)


def ipa(text: str) -> str:
    """The IPA of ``cjke_cleaners2``."""
    text = romaji(text).replace("...", "…")
    for pattern, new in _REAL:
        text = re.sub(pattern, new, text)
    for old, new in _IPA:
        text = text.replace(old, new)
    return text
