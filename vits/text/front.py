"""From a voice's configuration to the front that reads for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vits.config import TextFront, VoiceConfig
from vits.text.cleaners import CleanerFront
from vits.text.piper import CharactersFront, EspeakFront, PinyinFront
from vits.text.vocabulary import VocabularyFront


class Front(Protocol):
    """Reads text for one voice."""

    def sentences(self, text: str) -> list[list[int]]:
        """Symbol ids of each sentence, in order; none for text with nothing to say.

        Any text is taken: empty, emoji only, of other languages, a megabyte without a full stop.
        Symbols the voice does not know are left out, sentences never.

        Raises:
            MissingDependency: an optional package is needed; says how to install it.
        """


def front(config: VoiceConfig) -> Front:
    """The front that ``config`` names.

    Raises:
        BadText: its cleaners are not known.
    """
    fronts: dict[str, Callable[[TextFront], Front]] = {
        "espeak": EspeakFront,
        "characters": CharactersFront,
        "pinyin": PinyinFront,
        "cleaners": CleanerFront,
        "vocabulary": VocabularyFront,
    }
    return fronts[config.front.kind](config.front)
