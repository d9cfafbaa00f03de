"""Which roles may use a voice, and trainings of new voices that are under way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from storage.portable import insert_ignoring, upsert
from storage.records import TrainingNote, VoiceRoles
from storage.tables import TrainingRow, VoiceRoleRow

if TYPE_CHECKING:
    from storage.database import Database


class VoiceRules:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, guild_id: int) -> tuple[VoiceRoles, ...]:
        """The rules that hold in a server (0: in direct messages), those for everywhere too."""
        wanted = (
            select(VoiceRoleRow.guild_id, VoiceRoleRow.voice, VoiceRoleRow.role_id)
            .where(VoiceRoleRow.guild_id.in_((0, guild_id)))
            .order_by(VoiceRoleRow.voice, VoiceRoleRow.guild_id)
        )
        found: dict[tuple[int, str], set[int]] = defaultdict(set)
        async with self._database.reading() as connection:
            for server, voice, role_id in await connection.execute(wanted):
                found[server, voice].add(role_id)
        return tuple(
            VoiceRoles(server, voice, frozenset(roles)) for (server, voice), roles in found.items()
        )

    async def add(self, guild_id: int, voice: str, role_id: int) -> None:
        """People with this role may use the voice; those without any such role no longer may."""
        row = {"guild_id": guild_id, "voice": voice, "role_id": role_id}
        async with self._database.writing() as connection:
            await connection.execute(
                insert_ignoring(self._database.dialect, VoiceRoleRow).values(**row)
            )

    async def remove(self, guild_id: int, voice: str, role_id: int | None = None) -> bool:
        """Take one role's right away, or (None) the whole rule. Whether there was one."""
        gone = delete(VoiceRoleRow).where(
            VoiceRoleRow.guild_id == guild_id, VoiceRoleRow.voice == voice
        )
        if role_id is not None:
            gone = gone.where(VoiceRoleRow.role_id == role_id)
        async with self._database.writing() as connection:
            return (await connection.execute(gone)).rowcount > 0


class Trainings:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> tuple[TrainingNote, ...]:
        """Those under way."""
        columns = list(TrainingRow.__table__.columns)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(*columns))
            return tuple(TrainingNote(**row) for row in rows.mappings())

    async def save(self, note: TrainingNote) -> None:
        values = asdict(note)
        key = {"id": values.pop("id")}
        async with self._database.writing() as connection:
            await connection.execute(upsert(self._database.dialect, TrainingRow, key, values))

    async def remove(self, training_id: str) -> None:
        """It is over."""
        async with self._database.writing() as connection:
            await connection.execute(delete(TrainingRow).where(TrainingRow.id == training_id))
