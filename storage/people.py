"""Preferences: how each person wants to be spoken to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select

from storage.portable import upsert
from storage.records import Preferences, Replies
from storage.tables import PreferencesRow

if TYPE_CHECKING:
    from storage.database import Database


class People:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences(self, person_id: int) -> Preferences:
        """All ``None`` for somebody who never chose."""
        columns = list(PreferencesRow.__table__.columns)
        async with self._database.reading() as connection:
            found = await connection.execute(
                select(*columns).where(PreferencesRow.person_id == person_id)
            )
            row = found.one_or_none()
        if row is None:
            return Preferences(person_id=person_id)
        values = row._asdict()
        replies = values.pop("replies")
        return Preferences(**values, replies=None if replies is None else Replies(replies))

    async def save_preferences(self, preferences: Preferences) -> None:
        """All of them."""
        values = asdict(preferences)
        await self.change_preferences(values.pop("person_id"), **values)

    async def change_preferences(self, person_id: int, **values: Any) -> None:
        """Set those that are named; what is changed at the same time beside them is kept."""
        key = {"person_id": person_id}
        columns = [column for column in PreferencesRow.__table__.columns if not column.primary_key]
        async with self._database.writing() as connection:
            await connection.execute(upsert(self._database.dialect, PreferencesRow, key, values))
            # Nothing is held about somebody who chose nothing.
            unset = and_(*(column.is_(None) for column in columns))
            await connection.execute(
                delete(PreferencesRow).where(PreferencesRow.person_id == person_id, unset)
            )
