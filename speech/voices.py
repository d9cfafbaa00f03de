"""Which voices there are, and what they speak. The bot's side: no engine is loaded here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from speech.base import NoSuchVoice
from speech.languages import Casting, Tongue
from speech.settings import SpeechSettings
from vits.io.voices import VoiceShelf

FALLBACK = "espeak"
"""Robotic, but it speaks a hundred languages: for stretches that no voice speaks."""


def tongues(settings: SpeechSettings) -> list[Tongue]:
    """Every voice that is installed. Reads files; prepares the packaged voice the first time."""
    shelf = VoiceShelf(settings.voices)
    return [Tongue(config.name, config.languages) for config in shelf.list()]


async def open_casting(settings: SpeechSettings) -> Casting:
    """Who speaks what. After a voice was installed, give it the :func:`tongues` again."""
    return Casting(await asyncio.to_thread(tongues, settings), FALLBACK)


@dataclass(frozen=True)
class Offered:
    """A voice that people may choose."""

    name: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What to write to choose it: ``NAME``, and ``NAME/speaker`` for each of several."""
        return (self.name, *(f"{self.name}/{speaker}" for speaker in self.speakers))


class Voices:
    """What is installed, read anew each time: a voice put in its folder is there at once."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._shelf = VoiceShelf(settings.voices)
        self.default = settings.voice

    async def offered(self) -> tuple[Offered, ...]:
        """Every voice, by name."""
        configs = await asyncio.to_thread(self._shelf.list)
        return tuple(
            Offered(config.name, tuple(config.languages), tuple(config.speakers))
            for config in configs
        )

    async def check(self, wanted: str) -> str:
        """``wanted`` as it is written, whatever its case. Raises :class:`NoSuchVoice`."""
        wanted = wanted.strip()
        for voice in await self.offered():
            for name in voice.names:
                if name.casefold() == wanted.casefold():
                    return name
        raise NoSuchVoice(voice=discreet(wanted))


def discreet(name: str) -> str:
    """A name that was typed, short and without anything that Discord would make of it."""
    return "".join(c for c in name if c.isalnum() or c in "._+-/ ")[:64]
