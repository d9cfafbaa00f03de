"""Which phonemes a data set has: those that a voice's front reads its texts as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vits.config import VoiceConfig
from vits.data.records import Clip
from vits.io.packaged import DEFAULT_VOICE, VOICES
from vits.io.voices import VoiceShelf
from vits.text.front import front
from vits.text.scripts import base

Symbols = Callable[[Clip], Sequence[str]]
_FRAME = frozenset("_^$")  # pads and ends of a sentence, which nobody says


def symbols_of(voice: str = DEFAULT_VOICE, voices: Path = VOICES) -> Symbols:
    """What turns a clip into the symbols that ``voice`` reads it as.

    A clip in a language that the voice does not read has none: they would be wrong ones.

    Raises:
        UnknownVoice: no voice of that name.
        MissingDependency, BadVoice, BadCheckpoint, BadText: it cannot be used.
    """
    config = VoiceConfig.read(VoiceShelf([voices]).path(voice))
    speaks, languages = front(config), {base(tag) for tag in config.languages}
    names = {row: symbol for symbol, rows in config.front.symbols.items() for row in rows}
    # Here a blank between symbols may have the row of a letter.
    apart = config.front.kind in ("cleaners", "vocabulary") and config.front.add_blank
    said = slice(1, None, 2) if apart else slice(None)

    def symbols(clip: Clip) -> list[str]:
        if base(clip.language) not in languages:
            return []
        rows = [row for sentence in speaks.sentences(clip.text) for row in sentence[said]]
        return [names[row] for row in rows if names.get(row, "_") not in _FRAME]

    return symbols
