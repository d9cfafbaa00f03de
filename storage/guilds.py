"""How each server has set Parley up."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from storage.portable import upsert
from storage.records import GuildSettings, Replies, Standing
from storage.tables import BlockRow, GuildRow, LimitRow

if TYPE_CHECKING:
    from storage.database import Database


class Guilds:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settings(self, guild_id: int) -> GuildSettings:
        """The defaults for a server that never set anything."""
        async with self._database.reading() as connection:
            stored = await connection.scalar(
                select(GuildRow.settings).where(GuildRow.guild_id == guild_id)
            )
        return _read(guild_id, stored) if stored else GuildSettings(guild_id=guild_id)

    async def standing(self, guild_id: int, person_id: int) -> Standing:
        """What a message needs to know of a server before anything else, in one statement."""
        ids = self._database.pseudonyms.known_as(person_id)
        wanted = select(
            select(GuildRow.settings).where(GuildRow.guild_id == guild_id).scalar_subquery(),
            select(BlockRow.at_s)
            .where(BlockRow.guild_id == guild_id, BlockRow.person_id.in_(ids))
            .exists(),
            select(LimitRow.role_id).where(LimitRow.guild_id == guild_id).exists(),
        )
        async with self._database.reading() as connection:
            stored, blocked, limited = (await connection.execute(wanted)).one()
        settings = _read(guild_id, stored) if stored else GuildSettings(guild_id=guild_id)
        return Standing(settings=settings, blocked=bool(blocked), limited=bool(limited))

    async def save_settings(self, settings: GuildSettings) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                upsert(
                    self._database.dialect,
                    GuildRow,
                    {"guild_id": settings.guild_id},
                    {"settings": _write(settings)},
                )
            )

    async def all(self) -> tuple[GuildSettings, ...]:
        """Every server that set something."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(GuildRow.guild_id, GuildRow.settings))
            return tuple(_read(guild_id, stored) for guild_id, stored in rows)


def _write(settings: GuildSettings) -> str:
    defaults = {field.name: field.default for field in fields(GuildSettings)}
    changed = {
        name: value
        for name, value in asdict(settings).items()
        if name != "guild_id" and defaults[name] is not MISSING and value != defaults[name]
    }
    return json.dumps(changed, ensure_ascii=False)


def _read(guild_id: int, stored: str) -> GuildSettings:
    known = {field.name for field in fields(GuildSettings)}
    # A key this version does not know was written by a newer one; it is not an error to go back.
    values: dict[str, Any] = {k: v for k, v in json.loads(stored).items() if k in known}
    if values.get("replies") is not None:
        values["replies"] = Replies(values["replies"])
    if "words_refused" in values:
        values["words_refused"] = tuple(values["words_refused"])
    return GuildSettings(guild_id=guild_id, **values)
