"""Personas: a bundle of how Parley talks (prompt) and sounds (voice, speed, dictionary).

A person's own choice comes first, unless the server locked personas; then the server's default for
the channel, for one of their roles, for the whole server; then the owner's system prompt.
"""

from __future__ import annotations

import re
import unicodedata

from dialogue.errors import (
    BadName,
    BadValue,
    NotThisServer,
    PersonaLocked,
    PersonaMissing,
    PersonaTooLong,
    TooManyPersonas,
)
from dialogue.plain import plain
from dialogue.window import Counter, system_limit
from storage.database import Database
from storage.records import DefaultFor, GuildSettings, Persona, PersonaDefault

NAME_CHARACTERS = 32
OWN_MOST = 10
GUILD_MOST = 50
SPEED_LOW, SPEED_HIGH = 0.5, 2.0

_NAME = re.compile(r"[\w][\w '-]*")


class PersonaService:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database, counter: Counter, budget_tokens: int) -> None:
        self._store = database.personas
        self._guilds = database.guilds
        self._counter = counter
        self._limit = system_limit(budget_tokens)

    async def active(
        self,
        person_id: int,
        guild_id: int,
        channel_id: int,
        role_ids: tuple[int, ...] = (),
        settings: GuildSettings | None = None,
    ) -> Persona | None:
        """Who talks with this person here; ``None``: Parley as its owner has it."""
        if guild_id:
            settings = settings or await self._guilds.settings(guild_id)
        locked = bool(guild_id and settings and settings.persona_locked)
        return await self._store.active(
            person_id, guild_id, channel_id, role_ids, chosen=not locked
        )

    async def list(self, person_id: int, guild_id: int) -> tuple[Persona, ...]:
        """What this person may choose here: the server's and their own."""
        return await self._store.list(guild_id, person_id)

    async def find(self, person_id: int, guild_id: int, name: str) -> Persona:
        """By name; a person's own comes before the server's. Raises ``PersonaMissing``."""
        wanted = name.strip().casefold()
        found = [p for p in await self.list(person_id, guild_id) if p.name.casefold() == wanted]
        if not found:
            raise PersonaMissing
        return max(found, key=lambda persona: persona.owner_id)

    async def choose(self, person_id: int, guild_id: int, name: str) -> Persona:
        """Talk with this persona from now on. Raises ``PersonaMissing``, ``PersonaLocked``."""
        await self._unlocked(guild_id)
        persona = await self.find(person_id, guild_id, name)
        await self._store.choose(person_id, guild_id, persona.id)
        return persona

    async def clear(self, person_id: int, guild_id: int) -> None:
        """Talk with the default again."""
        await self._store.choose(person_id, guild_id, None)

    async def save(
        self,
        person_id: int,
        guild_id: int,
        name: str,
        prompt: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        for_guild: bool = False,
    ) -> Persona:
        """Make or change a persona of one's own, or the server's (a moderator's business).

        Raises ``BadName``, ``PersonaTooLong``, ``BadValue``, ``TooManyPersonas`` and
        ``PersonaLocked``.
        """
        if for_guild and not guild_id:
            raise NotThisServer
        if not for_guild:
            await self._unlocked(guild_id)
        owner_id = 0 if for_guild else person_id
        name, prompt = checked_name(name), plain(prompt).strip()
        tokens = self._counter.count(prompt)
        if not prompt or tokens > self._limit:
            raise PersonaTooLong(tokens=tokens, limit=self._limit)
        if speed is not None and not SPEED_LOW <= speed <= SPEED_HIGH:
            raise BadValue(low=SPEED_LOW, high=SPEED_HIGH)
        there = [p for p in await self.list(person_id, guild_id) if p.owner_id == owner_id]
        most = GUILD_MOST if for_guild else OWN_MOST
        same = next((p for p in there if p.name.casefold() == name.casefold()), None)
        if same is None and len(there) >= most:
            raise TooManyPersonas(limit=most)
        return await self._store.save(
            guild_id=guild_id,
            owner_id=owner_id,
            name=same.name if same else name,
            prompt=prompt,
            voice=voice,
            speed=speed,
        )

    async def delete(
        self, person_id: int, guild_id: int, name: str, *, for_guild: bool = False
    ) -> Persona:
        """Raises ``PersonaMissing``: also for one that is not theirs to delete."""
        owner_id = 0 if for_guild else person_id
        wanted = name.strip().casefold()
        for persona in await self.list(person_id, guild_id):
            if persona.owner_id == owner_id and persona.name.casefold() == wanted:
                await self._store.delete(persona.id)
                return persona
        raise PersonaMissing

    async def set_default(
        self, guild_id: int, kind: DefaultFor, subject_id: int, name: str | None
    ) -> Persona | None:
        """What a channel, a role or the server talks with; ``None`` removes it.

        Raises ``PersonaMissing`` for one that is not the server's.
        """
        if not guild_id:
            raise NotThisServer
        if name is None:
            await self._store.set_default(guild_id, kind, subject_id, None)
            return None
        persona = await self.find(0, guild_id, name)
        await self._store.set_default(guild_id, kind, subject_id, persona.id)
        return persona

    async def defaults(self, guild_id: int) -> tuple[PersonaDefault, ...]:
        return await self._store.defaults(guild_id)

    async def _unlocked(self, guild_id: int) -> None:
        if guild_id and (await self._guilds.settings(guild_id)).persona_locked:
            raise PersonaLocked


def checked_name(name: str) -> str:
    """A name as it is stored. Raises ``BadName``."""
    name = " ".join(unicodedata.normalize("NFKC", plain(name)).split())
    if len(name) > NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise BadName(limit=NAME_CHARACTERS)
    return name
