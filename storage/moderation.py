"""Who is blocked, and the audit log. An entry says who, what, whom and when; never content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from storage.portable import upsert
from storage.records import Action, AuditEntry, Block, Target
from storage.tables import AuditRow, BlockRow

if TYPE_CHECKING:
    from storage.database import Database


class Blocks:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, block: Block) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                upsert(
                    self._database.dialect,
                    BlockRow,
                    {"guild_id": block.guild_id, "person_id": block.person_id},
                    {"by_id": block.by_id, "at_s": block.at_s},
                )
            )

    async def remove(self, guild_id: int, person_id: int) -> bool:
        """Whether they were blocked; before a forget too."""
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(BlockRow).where(
                    BlockRow.guild_id == guild_id,
                    BlockRow.person_id.in_(self._database.pseudonyms.known_as(person_id)),
                )
            )
            return gone.rowcount > 0

    async def blocked(self, guild_id: int, person_id: int) -> bool:
        async with self._database.reading() as connection:
            found = await connection.scalar(
                select(BlockRow.at_s)
                .where(
                    BlockRow.guild_id == guild_id,
                    BlockRow.person_id.in_(self._database.pseudonyms.known_as(person_id)),
                )
                .limit(1)
            )
            return found is not None

    async def list(self, guild_id: int) -> tuple[Block, ...]:
        """Newest first; ``person_id`` is 0 for those who asked to be forgotten."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(BlockRow.person_id, BlockRow.by_id, BlockRow.at_s)
                .where(BlockRow.guild_id == guild_id)
                .order_by(BlockRow.at_s.desc())
            )
            return tuple(Block(guild_id, max(person, 0), by, at_s) for person, by, at_s in rows)


class Audit:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        *,
        guild_id: int,
        actor_id: int,
        action: Action,
        target: Target,
        target_id: int,
        at_s: float,
    ) -> AuditEntry:
        async with self._database.writing() as connection:
            number = await connection.scalar(
                insert(AuditRow)
                .values(
                    guild_id=guild_id,
                    actor_id=actor_id,
                    action=action,
                    target=target,
                    target_id=target_id,
                    at_s=at_s,
                )
                .returning(AuditRow.id)
            )
        return AuditEntry(int(number or 0), guild_id, actor_id, action, target, target_id, at_s)

    async def list(
        self, guild_id: int, *, limit: int = 25, before_id: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Newest first."""
        wanted = (
            select(
                AuditRow.id,
                AuditRow.actor_id,
                AuditRow.action,
                AuditRow.target,
                AuditRow.target_id,
                AuditRow.at_s,
            )
            .where(AuditRow.guild_id == guild_id)
            .order_by(AuditRow.id.desc())
            .limit(limit)
        )
        if before_id is not None:
            wanted = wanted.where(AuditRow.id < before_id)
        async with self._database.reading() as connection:
            return tuple(
                AuditEntry(number, guild_id, actor, Action(action), Target(target), whom, at_s)
                for number, actor, action, target, whom, at_s in await connection.execute(wanted)
            )

    async def expire(self, before_s: float) -> int:
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(AuditRow).where(AuditRow.at_s < before_s))
            return gone.rowcount
