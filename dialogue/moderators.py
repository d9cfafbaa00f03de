"""What the moderators of a server can do, and the entry each of their actions leaves.

The act and its entry are one transaction: neither is there without the other. An entry says who,
what, whom and when; never content. Whether somebody is a moderator is Discord's business and is
asked by the surface; which server they act in is the one they are in, and no method takes another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialogue.errors import BadValue, NotThisServer
from dialogue.memory import Memory
from storage.database import Database
from storage.records import Action, AuditEntry, Block, GuildSettings, Limit, Target

TOKENS_MOST = 10_000_000
SPOKEN_MOST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Acted:
    """An action that was done."""

    entry: AuditEntry
    changed: int
    """Turns forgotten; or 1 and 0 for whether there was anything to change."""


class Moderators:
    """Every method raises ``StorageError``, and ``NotThisServer`` outside a server."""

    def __init__(self, database: Database, memory: Memory, clock: Callable[[], float]) -> None:
        self._database = database
        self._memory = memory
        self._clock = clock

    async def clear_memory(self, guild_id: int, actor_id: int, person_id: int) -> Acted:
        """Forget one member's memory in this server, without showing it."""
        async with self._database.writing():
            changed = await self._database.turns.clear(person_id, self._server(guild_id))
            acted = await self._acted(
                guild_id, actor_id, Action.CLEAR_MEMORY, Target.PERSON, person_id, changed
            )
        self._memory.drop_postponed(person_id=person_id, guild_id=guild_id)
        return acted

    async def clear_channel(self, guild_id: int, actor_id: int, channel_id: int) -> Acted:
        """Forget what everybody said in one channel."""
        async with self._database.writing():
            changed = await self._database.turns.clear_channel(self._server(guild_id), channel_id)
            self._memory.channel_cleared(guild_id, channel_id)  # before anybody else may write
            acted = await self._acted(
                guild_id, actor_id, Action.CLEAR_CHANNEL, Target.CHANNEL, channel_id, changed
            )
        self._memory.drop_postponed(guild_id=guild_id, channel_id=channel_id)
        return acted

    async def clear_guild(self, guild_id: int, actor_id: int) -> Acted:
        """Forget every memory in this server."""
        async with self._database.writing():
            changed = await self._database.turns.clear_guild(self._server(guild_id))
            acted = await self._acted(
                guild_id, actor_id, Action.CLEAR_GUILD, Target.GUILD, guild_id, changed
            )
        self._memory.drop_postponed(guild_id=guild_id)
        return acted

    async def block(self, guild_id: int, actor_id: int, person_id: int) -> Acted:
        """Parley no longer answers this person in this server."""
        async with self._database.writing():
            there = await self._database.blocks.blocked(self._server(guild_id), person_id)
            if not there:
                await self._database.blocks.add(
                    Block(guild_id, person_id, by_id=actor_id, at_s=self._clock())
                )
            return await self._acted(
                guild_id, actor_id, Action.BLOCK, Target.PERSON, person_id, int(not there)
            )

    async def unblock(self, guild_id: int, actor_id: int, person_id: int) -> Acted:
        async with self._database.writing():
            changed = await self._database.blocks.remove(self._server(guild_id), person_id)
            return await self._acted(
                guild_id, actor_id, Action.UNBLOCK, Target.PERSON, person_id, int(changed)
            )

    async def blocked(self, guild_id: int, person_id: int) -> bool:
        return bool(guild_id) and await self._database.blocks.blocked(guild_id, person_id)

    async def blocks(self, guild_id: int) -> tuple[Block, ...]:
        """Newest first."""
        return await self._database.blocks.list(self._server(guild_id))

    async def limits(self, guild_id: int) -> tuple[Limit, ...]:
        return await self._database.quotas.limits(self._server(guild_id))

    async def set_limit(
        self,
        guild_id: int,
        actor_id: int,
        role_id: int,
        *,
        tokens_per_day: int | None,
        spoken_s_per_day: float | None,
    ) -> Acted:
        """What members with a role may use a day; both ``None`` removes the limit.

        ``role_id`` equal to ``guild_id`` is everyone. Raises ``BadValue``.
        """
        if tokens_per_day is not None and not 0 <= tokens_per_day <= TOKENS_MOST:
            raise BadValue(low=0, high=TOKENS_MOST)
        if spoken_s_per_day is not None and not 0 <= spoken_s_per_day <= SPOKEN_MOST_S:
            raise BadValue(low=0, high=int(SPOKEN_MOST_S))
        limit = Limit(self._server(guild_id), role_id, tokens_per_day, spoken_s_per_day)
        async with self._database.writing():
            if tokens_per_day is None and spoken_s_per_day is None:
                changed = await self._database.quotas.remove_limit(guild_id, role_id)
                action = Action.REMOVE_LIMIT
            else:
                await self._database.quotas.set_limit(limit)
                changed, action = True, Action.SET_LIMIT
            return await self._acted(guild_id, actor_id, action, Target.ROLE, role_id, int(changed))

    async def save_settings(self, settings: GuildSettings, actor_id: int) -> Acted:
        """How this server has Parley set up."""
        async with self._database.writing():
            before = await self._database.guilds.settings(self._server(settings.guild_id))
            await self._database.guilds.save_settings(settings)
            locked = before.persona_locked != settings.persona_locked
            return await self._acted(
                settings.guild_id,
                actor_id,
                Action.PERSONA_LOCK if locked else Action.SETTINGS,
                Target.GUILD,
                settings.guild_id,
                int(before != settings),
            )

    async def record(
        self, guild_id: int, actor_id: int, action: Action, target: Target, target_id: int
    ) -> Acted:
        """An entry for what another service did (a session ended, a persona made)."""
        return await self._acted(self._server(guild_id), actor_id, action, target, target_id, 1)

    async def log(
        self, guild_id: int, *, limit: int = 25, before_id: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Newest first."""
        return await self._database.audit.list(
            self._server(guild_id), limit=limit, before_id=before_id
        )

    def _server(self, guild_id: int) -> int:
        if not guild_id:
            raise NotThisServer
        return guild_id

    async def _acted(
        self,
        guild_id: int,
        actor_id: int,
        action: Action,
        target: Target,
        target_id: int,
        changed: int,
    ) -> Acted:
        entry = await self._database.audit.add(
            guild_id=guild_id,
            actor_id=actor_id,
            action=action,
            target=target,
            target_id=target_id,
            at_s=self._clock(),
        )
        return Acted(entry, changed)
