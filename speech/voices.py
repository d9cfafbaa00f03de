"""Which voices there are, and what they speak. The bot's side: no engine is loaded here."""

from __future__ import annotations

import asyncio

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
