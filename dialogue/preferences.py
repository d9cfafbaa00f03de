"""How one person wants to be spoken to, everywhere: voice, speed, how replies are heard."""

from __future__ import annotations

from dataclasses import replace

from dialogue.errors import BadValue
from dialogue.personas import SPEED_HIGH, SPEED_LOW
from storage.database import Database
from storage.records import Persona, Preferences, Replies


class PreferenceService:
    """Every method raises ``StorageError``. ``None`` always means: as the server has it."""

    def __init__(self, database: Database) -> None:
        self._store = database.people

    async def get(self, person_id: int) -> Preferences:
        return await self._store.preferences(person_id)

    async def set_voice(
        self, person_id: int, voice: str | None, speaker: str | None = None
    ) -> Preferences:
        """The caller knows which voices there are."""
        return await self._save(replace(await self.get(person_id), voice=voice, speaker=speaker))

    async def set_speed(self, person_id: int, speed: float | None) -> Preferences:
        """1.0 is the voice's own. Raises ``BadValue``."""
        if speed is not None and not SPEED_LOW <= speed <= SPEED_HIGH:
            raise BadValue(low=SPEED_LOW, high=SPEED_HIGH)
        return await self._save(replace(await self.get(person_id), speed=speed))

    async def set_replies(self, person_id: int, replies: Replies | None) -> Preferences:
        return await self._save(replace(await self.get(person_id), replies=replies))

    async def _save(self, preferences: Preferences) -> Preferences:
        await self._store.save_preferences(preferences)
        return preferences


def sound(
    preferences: Preferences, persona: Persona | None, guild_voice: str | None
) -> tuple[str | None, str | None, float]:
    """Voice, speaker and speed that hold: one's own choice, the persona's, the server's."""
    voice, speaker = preferences.voice, preferences.speaker
    if voice is None:
        voice, speaker = (persona.voice if persona else None) or guild_voice, None
    speed = preferences.speed or (persona.speed if persona else None) or 1.0
    return voice, speaker, speed
