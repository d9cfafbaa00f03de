"""Which voices there are, and what they speak. The bot's side: no engine is loaded here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from speech.access import Hearer, VoiceAccess, VoiceBarred, may_use
from speech.base import NoSuchVoice
from speech.languages import Casting, Tongue
from speech.settings import SpeechSettings
from vits.config import VoiceConfig
from vits.io.voices import VoiceShelf

FALLBACK = "espeak"
"""Robotic, but it speaks a hundred languages: for stretches that no voice speaks."""


def tongues(settings: SpeechSettings) -> list[Tongue]:
    """Every voice that is installed. Reads files; prepares the packaged voice the first time."""
    return _tongues(VoiceShelf(settings.voices).list())


def _tongues(configs: Sequence[VoiceConfig]) -> list[Tongue]:
    return [Tongue(config.name, config.languages) for config in configs]


async def open_casting(settings: SpeechSettings) -> Casting:
    """Who speaks what. After a voice was installed, give it the :func:`tongues` again."""
    return Casting(await asyncio.to_thread(tongues, settings), FALLBACK)


@dataclass(frozen=True)
class Offered:
    """A voice that people may choose."""

    name: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...]
    licence: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What to write to choose it: ``NAME``, and ``NAME/speaker`` for each of several."""
        return (self.name, *(f"{self.name}/{speaker}" for speaker in self.speakers))


class Voices:
    """What is installed, read anew each time: a voice put in its folder is there at once."""

    def __init__(self, settings: SpeechSettings, casting: Casting, access: VoiceAccess) -> None:
        self._shelf = VoiceShelf(settings.voices)
        self._casting = casting
        self._access = access
        self.default = settings.voice

    async def installed(self) -> tuple[Offered, ...]:
        """Every voice, by name. From now on they are cast, too."""
        configs = await asyncio.to_thread(self._shelf.list)
        self._casting.know(_tongues(configs))
        return tuple(
            Offered(config.name, tuple(config.languages), tuple(config.speakers), config.licence)
            for config in configs
        )

    async def offered(self, hearer: Hearer) -> tuple[Offered, ...]:
        """The voices that ``hearer`` may use, by name. Raises ``StorageError``."""
        barred = await self._access.barred(hearer)
        return tuple(each for each in await self.installed() if may_use(each.name, barred))

    async def find(self, wanted: str) -> str:
        """``wanted`` as it is written, whatever its case. Raises :class:`NoSuchVoice`."""
        wanted = wanted.strip()
        for voice in await self.installed():
            for name in voice.names:
                if name.casefold() == wanted.casefold():
                    return name
        raise NoSuchVoice(voice=discreet(wanted))

    async def check(self, wanted: str, hearer: Hearer) -> str:
        """:meth:`find` a voice ``hearer`` may use. Raises ``VoiceBarred``, ``StorageError``."""
        found = await self.find(wanted)
        if not may_use(found, await self._access.barred(hearer)):
            raise VoiceBarred(voice=found)
        return found


def discreet(name: str) -> str:
    """A name that was typed, short and without anything that Discord would make of it."""
    return "".join(c for c in name if c.isalnum() or c in "._+-/ ")[:64]
