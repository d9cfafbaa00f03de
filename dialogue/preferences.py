"""How one person wants to be spoken to, everywhere: voice, speed, how replies are heard."""

from __future__ import annotations

from dialogue.errors import BadValue
from dialogue.personas import SPEED_HIGH, SPEED_LOW
from storage.database import Database
from storage.records import Persona, Preferences, Replies

USUAL_LOCALE = "en-US"
"""Taken to be the language of whoever never said another."""


class PreferenceService:
    """Every method raises ``StorageError``. ``None`` always means: as the server has it."""

    def __init__(self, database: Database) -> None:
        self._store = database.people

    async def get(self, person_id: int) -> Preferences:
        return await self._store.preferences(person_id)

    async def set_voice(
        self, person_id: int, voice: str | None, speaker: str | None = None
    ) -> None:
        """The caller knows which voices there are."""
        await self._store.change_preferences(person_id, voice=voice, speaker=speaker)

    async def set_speed(self, person_id: int, speed: float | None) -> None:
        """1.0 is the voice's own. Raises ``BadValue``."""
        if speed is not None and not SPEED_LOW <= speed <= SPEED_HIGH:
            raise BadValue(low=SPEED_LOW, high=SPEED_HIGH)
        await self._store.change_preferences(person_id, speed=speed)

    async def set_replies(self, person_id: int, replies: Replies | None) -> None:
        await self._store.change_preferences(person_id, replies=replies)

    async def note_locale(self, person_id: int, locale: str) -> None:
        """Remember the language of somebody's Discord, unless it is the usual one."""
        wanted = None if locale == USUAL_LOCALE else locale
        if (await self.get(person_id)).locale != wanted:
            await self._store.change_preferences(person_id, locale=wanted)


def sound(
    preferences: Preferences, persona: Persona | None, guild_voice: str | None
) -> tuple[str | None, str | None, float]:
    """Voice, speaker and speed that hold: one's own choice, the persona's, the server's."""
    voice, speaker = preferences.voice, preferences.speaker
    if voice is None:
        voice, speaker = (persona.voice if persona else None) or guild_voice, None
    speed = preferences.speed or (persona.speed if persona else None) or 1.0
    return voice, speaker, speed
