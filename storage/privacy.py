"""Everything about one person, in every server: to hand over, or to forget.

Both go through every table that has a ``PersonId`` column, so none can be left out by oversight.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Table, delete, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import StorageError
from storage.portable import add
from storage.records import Forgotten, Remains, Scope, Target
from storage.tables import PERSON, AuditRow, Base, BlockRow, PersonaRow, PronunciationRow, UsageRow

if TYPE_CHECKING:
    from storage.database import Database

log = logging.getLogger(__name__)

_CHECKPOINT_TRIES = 50
_CHECKPOINT_PAUSE_S = 0.1


class Privacy:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, person_id: int) -> dict[str, list[dict[str, Any]]]:
        """Every row about this person, by table; values as stored."""
        held: dict[str, list[dict[str, Any]]] = {}
        async with self._database.reading() as connection:
            ids = self._database.pseudonyms.known_as(person_id)
            for table in Base.metadata.sorted_tables:
                about = _about(table, ids)
                if about is not None:
                    rows = await connection.execute(select(table).where(about))
                    held[table.name] = [dict(row) for row in rows.mappings()]
        return {name: rows for name, rows in held.items() if rows}

    async def forget(self, person_id: int, *, today: str) -> Forgotten:
        """Remove all of it, and wipe what SQLite keeps of removed rows in its files.

        Three things keep a trace that no longer says who: a block and what was used ``today``
        (see ``storage.pseudonyms``), and audit entries, with 0 in place of the person.
        """
        async with self._database.writing() as connection:
            rows = await _keep_traces(connection, self._database, person_id, today)
            touched = [AuditRow.__tablename__, BlockRow.__tablename__]
            # Pronunciations first: those of a persona are found through it.
            for table in sorted(Base.metadata.tables.values(), key=lambda t: t.name, reverse=True):
                about = _about(table, (person_id,))
                if about is not None:
                    gone = (await connection.execute(delete(table).where(about))).rowcount
                    touched += [table.name] if gone else []
                    rows += gone
        return Forgotten(rows=rows, remains=await self.erase(touched))

    async def erase(self, tables: Iterable[str] | None = None) -> Remains:
        """Wipe the remains of removed rows of ``tables`` (all, if not given) from the files.

        SQLite zeroes removed rows as it removes them (``secure_delete``); what is left is in the
        write-ahead log until that is emptied into the file and cut to nothing. PostgreSQL gets a
        VACUUM, after which the space is free but not zeroed. Never raises: the rows are gone
        whatever becomes of this.
        """
        if self._database.dialect != "sqlite":
            await self._vacuum(_every_table() if tables is None else tables)
            return Remains.FREED
        for _ in range(_CHECKPOINT_TRIES):
            if await self._checkpointed():
                return Remains.NONE
            # A reader still looks at the old pages; it will be gone in a moment.
            await asyncio.sleep(_CHECKPOINT_PAUSE_S)
        return Remains.SOON

    async def _checkpointed(self) -> bool:
        try:
            async with self._database.outside_transactions() as connection:
                found = await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                return bool(found.one()[0] == 0)
        except StorageError:
            return False  # somebody is writing: as good as busy

    async def _vacuum(self, tables: Iterable[str]) -> None:
        for name in dict.fromkeys(tables):
            try:
                async with self._database.outside_transactions() as connection:
                    await connection.execute(text(f'VACUUM "{name}"'))
            except StorageError as error:
                # Too large for our time limit, or in use: the server's own autovacuum follows.
                log.warning("table %s was not vacuumed: %s", name, type(error).__name__)


def _every_table() -> list[str]:
    return [table.name for table in Base.metadata.sorted_tables if _people(table)]


def _people(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.info.get(PERSON)]


def _about(table: Table, ids: tuple[int, ...]) -> ColumnElement[bool] | None:
    """Which rows of a table are about a person."""
    if table is PronunciationRow.__table__:
        personas = select(PersonaRow.id).where(PersonaRow.owner_id.in_(ids))
        scope, scope_id = PronunciationRow.scope, PronunciationRow.scope_id
        return or_(
            (scope == Scope.PERSON) & scope_id.in_(ids),
            (scope == Scope.PERSONA) & scope_id.in_(personas),
        )
    if table is AuditRow.__table__:
        return or_(
            AuditRow.actor_id.in_(ids),
            (AuditRow.target == Target.PERSON) & AuditRow.target_id.in_(ids),
        )
    columns = _people(table)
    return or_(*(column.in_(ids) for column in columns)) if columns else None


async def _keep_traces(
    connection: AsyncConnection, database: Database, person_id: int, today: str
) -> int:
    """Take the person out of rows that must stay. How many rows."""
    stand_in = database.pseudonyms.of(person_id)
    changed = 0
    for statement in (
        update(AuditRow).where(AuditRow.actor_id == person_id).values(actor_id=0),
        update(AuditRow)
        .where(AuditRow.target == Target.PERSON, AuditRow.target_id == person_id)
        .values(target_id=0),
        update(BlockRow).where(BlockRow.by_id == person_id).values(by_id=0),
        delete(BlockRow).where(
            BlockRow.person_id == stand_in,
            BlockRow.guild_id.in_(select(BlockRow.guild_id).where(BlockRow.person_id == person_id)),
        ),
        update(BlockRow).where(BlockRow.person_id == person_id).values(person_id=stand_in),
    ):
        changed += (await connection.execute(statement)).rowcount
    mine = select(UsageRow.__table__).where(UsageRow.person_id == person_id, UsageRow.day == today)
    for row in (await connection.execute(mine)).mappings().all():
        values = dict(row)
        key = {"person_id": stand_in, "guild_id": values["guild_id"], "day": values["day"]}
        amounts = {name: value for name, value in values.items() if name not in key}
        await connection.execute(add(database.dialect, UsageRow, key, amounts))
    return changed
