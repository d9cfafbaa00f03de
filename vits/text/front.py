"""From a voice's configuration to the front that reads for it."""

from __future__ import annotations

from typing import Protocol

from vits.config import VoiceConfig
from vits.errors import BadText
from vits.text.piper import CharactersFront, EspeakFront


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
        BadText: it names one that does not exist.
        MissingDependency: an optional package is needed; says how to install it.
    """
    settings = config.front
    if settings.kind == "espeak":
        return EspeakFront(settings)
    if settings.kind == "characters":
        return CharactersFront(settings)
    raise BadText(f"{config.name}: no text front of kind {settings.kind!r}")
