"""espeak-ng's own voice: robotic, but it speaks a hundred languages that no other voice does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vits.arrays import F32
from vits.engine.base import Style
from vits.text.espeak import espeak
from vits.text.japanese import kana
from vits.text.mandarin import readings
from vits.text.scripts import base
from vits.text.sentences import split_sentences

_NAMES = {"zh": "cmn-latn-pinyin", "cmn": "cmn-latn-pinyin", "en": "en-us", "no": "nb"}
_MARKS = str.maketrans("，、。！？：；（）「」『』", ',,.!?:;()""""')
_DEFAULT = "en-us"


class EspeakSynthesizer:
    """Speaks one language. The same interface as a voice; all share the process's one library."""

    def __init__(self, language: str) -> None:
        """``language``: a BCP 47 tag, such as ``zh-TW``; one espeak-ng lacks is read as English.

        Raises:
            MissingDependency: espeak-ng is not installed.
        """
        self.language = language
        self._voice = _voice(language)

    @property
    def rate_hz(self) -> int:
        """Samples per second, 22,050."""
        return espeak().rate_hz

    def speak(
        self, text: str, style: Style | None = None, speaker: str | int | None = None
    ) -> Iterator[F32]:
        """float32 (n,) pieces, one a sentence. Of the style only the length counts."""
        del speaker
        speed = 1 / style.length_scale if style else 1.0
        for sentence in split_sentences(text):
            written = self._written(sentence)
            sound = espeak().speak(written, self._voice, speed=speed) if written.strip() else None
            if sound is not None and sound.size:
                yield sound

    def _written(self, text: str) -> str:
        """What espeak-ng can read: it would spell Chinese characters out."""
        if self._voice == "cmn-latn-pinyin":
            return pinyin_text(text)
        return kana(text) if self._voice == "ja" else text


def pinyin_text(text: str) -> str:
    """Chinese as pinyin with tone numbers, a space around each syllable, marks in ASCII."""
    pieces = [
        f" {r.pinyin.replace('v', 'ü')} " if r.pinyin else r.character for r in readings(text)
    ]
    return re.sub(" +", " ", "".join(pieces).translate(_MARKS)).strip()


def _voice(language: str) -> str:
    """espeak-ng's name for a language tag."""
    tag = language.lower().replace("_", "-")
    known = {voice.language for voice in espeak().voices()}
    for name in (_NAMES.get(tag), tag, _NAMES.get(base(tag)), base(tag)):
        if name in known:
            return name
    return next((name for name in sorted(known) if base(name) == base(tag)), _DEFAULT)
