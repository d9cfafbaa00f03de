"""Pronunciations at four levels; ``speech/`` applies them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, or_, select

from storage.portable import upsert
from storage.records import Pronunciation, Scope
from storage.tables import PronunciationRow

if TYPE_CHECKING:
    from storage.database import Database

_COLUMNS = (
    PronunciationRow.scope,
    PronunciationRow.scope_id,
    PronunciationRow.term,
    PronunciationRow.spoken,
)


class Pronunciations:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, entries: Iterable[Pronunciation]) -> None:
        """Add or change, all or none."""
        async with self._database.writing() as connection:
            for entry in entries:
                await connection.execute(
                    upsert(
                        self._database.dialect,
                        PronunciationRow,
                        {"scope": entry.scope, "scope_id": entry.scope_id, "term": entry.term},
                        {"spoken": entry.spoken},
                    )
                )

    async def remove(self, scope: Scope, scope_id: int, term: str) -> bool:
        """Whether there was such an entry."""
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(PronunciationRow).where(
                    PronunciationRow.scope == scope,
                    PronunciationRow.scope_id == scope_id,
                    PronunciationRow.term == term,
                )
            )
            return gone.rowcount > 0

    async def count(self, scope: Scope, scope_id: int) -> int:
        async with self._database.reading() as connection:
            found = await connection.scalar(
                select(func.count()).where(
                    PronunciationRow.scope == scope, PronunciationRow.scope_id == scope_id
                )
            )
            return found or 0

    async def list(self, *owners: tuple[Scope, int]) -> tuple[Pronunciation, ...]:
        """The entries of these ``(scope, scope_id)``, in the order given, then by term."""
        wanted = select(*_COLUMNS).where(
            or_(
                *(
                    and_(PronunciationRow.scope == scope, PronunciationRow.scope_id == scope_id)
                    for scope, scope_id in owners
                )
            )
        )
        async with self._database.reading() as connection:
            found = [
                Pronunciation(Scope(scope), scope_id, term, spoken)
                for scope, scope_id, term, spoken in await connection.execute(wanted)
            ]
        return tuple(sorted(found, key=lambda e: (owners.index((e.scope, e.scope_id)), e.term)))
