"""Personas, who chose which, and which one a server gives by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, and_, delete, literal, or_, select, union_all

from storage.portable import upsert
from storage.records import DefaultFor, Persona, PersonaDefault, Scope
from storage.tables import PersonaChoiceRow, PersonaDefaultRow, PersonaRow, PronunciationRow

if TYPE_CHECKING:
    from storage.database import Database

_COLUMNS = (
    PersonaRow.id,
    PersonaRow.guild_id,
    PersonaRow.owner_id,
    PersonaRow.name,
    PersonaRow.prompt,
    PersonaRow.voice,
    PersonaRow.speed,
)


class Personas:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self,
        *,
        guild_id: int,
        owner_id: int,
        name: str,
        prompt: str,
        voice: str | None = None,
        speed: float | None = None,
    ) -> Persona:
        """Make a persona, or change the one of this name; it keeps its number."""
        key = {"guild_id": guild_id, "owner_id": owner_id, "name": name}
        values = {"prompt": prompt, "voice": voice, "speed": speed}
        async with self._database.writing() as connection:
            found = await connection.execute(
                upsert(self._database.dialect, PersonaRow, key, values).returning(*_COLUMNS)
            )
            return _persona(found.one())

    async def get(self, persona_id: int) -> Persona | None:
        async with self._database.reading() as connection:
            found = await connection.execute(select(*_COLUMNS).where(PersonaRow.id == persona_id))
            row = found.one_or_none()
            return None if row is None else _persona(row)

    async def list(self, guild_id: int, person_id: int) -> tuple[Persona, ...]:
        """What this person may choose here: the server's and their own, by name."""
        wanted = (
            select(*_COLUMNS)
            .where(PersonaRow.guild_id == guild_id, PersonaRow.owner_id.in_((0, person_id)))
            .order_by(PersonaRow.name, PersonaRow.owner_id)
        )
        async with self._database.reading() as connection:
            return tuple(_persona(row) for row in await connection.execute(wanted))

    async def delete(self, persona_id: int) -> bool:
        """With its dictionary, and everybody's choice of it. Whether there was one."""
        async with self._database.writing() as connection:
            for row in (PersonaChoiceRow, PersonaDefaultRow):
                await connection.execute(delete(row).where(row.persona_id == persona_id))
            await connection.execute(
                delete(PronunciationRow).where(
                    PronunciationRow.scope == Scope.PERSONA,
                    PronunciationRow.scope_id == persona_id,
                )
            )
            gone = await connection.execute(delete(PersonaRow).where(PersonaRow.id == persona_id))
            return gone.rowcount > 0

    async def choose(self, person_id: int, guild_id: int, persona_id: int | None) -> None:
        """This person talks with this persona here; ``None``: with the default."""
        async with self._database.writing() as connection:
            if persona_id is None:
                await connection.execute(
                    delete(PersonaChoiceRow).where(
                        PersonaChoiceRow.person_id == person_id,
                        PersonaChoiceRow.guild_id == guild_id,
                    )
                )
                return
            await connection.execute(
                upsert(
                    self._database.dialect,
                    PersonaChoiceRow,
                    {"person_id": person_id, "guild_id": guild_id},
                    {"persona_id": persona_id},
                )
            )

    async def set_default(
        self, guild_id: int, kind: DefaultFor, subject_id: int, persona_id: int | None
    ) -> None:
        """What a channel, a role or the whole server talks with; ``None`` removes it."""
        async with self._database.writing() as connection:
            if persona_id is None:
                await connection.execute(
                    delete(PersonaDefaultRow).where(
                        PersonaDefaultRow.guild_id == guild_id,
                        PersonaDefaultRow.kind == kind,
                        PersonaDefaultRow.subject_id == subject_id,
                    )
                )
                return
            await connection.execute(
                upsert(
                    self._database.dialect,
                    PersonaDefaultRow,
                    {"guild_id": guild_id, "kind": kind, "subject_id": subject_id},
                    {"persona_id": persona_id},
                )
            )

    async def defaults(self, guild_id: int) -> tuple[PersonaDefault, ...]:
        wanted = select(
            PersonaDefaultRow.guild_id,
            PersonaDefaultRow.kind,
            PersonaDefaultRow.subject_id,
            PersonaDefaultRow.persona_id,
        ).where(PersonaDefaultRow.guild_id == guild_id)
        async with self._database.reading() as connection:
            return tuple(
                PersonaDefault(guild, DefaultFor(kind), subject, persona)
                for guild, kind, subject, persona in await connection.execute(wanted)
            )

    async def active(
        self,
        person_id: int,
        guild_id: int,
        channel_id: int,
        role_ids: tuple[int, ...] = (),
        *,
        chosen: bool = True,
    ) -> Persona | None:
        """Who talks: the person's choice (unless ``chosen`` is off), else the server's default.

        The default of the channel comes before that of a role, and that before the server's; among
        several roles the one listed first in ``role_ids`` wins.
        """
        mine = select(literal(_CHOSEN), literal(0), *_COLUMNS).join(
            PersonaChoiceRow, PersonaChoiceRow.persona_id == PersonaRow.id
        )
        mine = mine.where(
            literal(chosen),
            PersonaChoiceRow.person_id == person_id,
            PersonaChoiceRow.guild_id == guild_id,
            *_choosable(person_id, guild_id),
        )
        here = or_(
            and_(
                PersonaDefaultRow.kind == DefaultFor.CHANNEL,
                PersonaDefaultRow.subject_id == channel_id,
            ),
            and_(
                PersonaDefaultRow.kind == DefaultFor.ROLE,
                PersonaDefaultRow.subject_id.in_(role_ids),
            ),
            PersonaDefaultRow.kind == DefaultFor.GUILD,
        )
        given = (
            select(PersonaDefaultRow.kind, PersonaDefaultRow.subject_id, *_COLUMNS)
            .join(PersonaRow, PersonaRow.id == PersonaDefaultRow.persona_id)
            .where(PersonaDefaultRow.guild_id == guild_id, here)
            .where(PersonaRow.guild_id == guild_id, PersonaRow.owner_id == 0)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(union_all(mine, given))).all()
        order = [_CHOSEN, *DefaultFor]
        places = {role_id: place for place, role_id in enumerate(role_ids)}
        first = min(
            rows,
            key=lambda row: (order.index(row[0]), places.get(row[1], 0)),
            default=None,
        )
        return None if first is None else Persona(*first[2:])


_CHOSEN = "chosen"


def _choosable(person_id: int, guild_id: int) -> tuple[ColumnElement[bool], ...]:
    """A persona that became somebody else's, or another server's, is not chosen."""
    return PersonaRow.guild_id == guild_id, PersonaRow.owner_id.in_((0, person_id))


def _persona(row: Row[*tuple[Any, ...]]) -> Persona:
    return Persona(*row)
