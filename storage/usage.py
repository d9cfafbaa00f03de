"""What people used, and what their roles let them use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, select

from storage.portable import add, upsert
from storage.records import Limit, Usage
from storage.tables import LimitRow, UsageRow

if TYPE_CHECKING:
    from storage.database import Database

_SUMS: tuple[ColumnElement[Any], ...] = tuple(
    func.coalesce(func.sum(column), 0)
    for column in (
        UsageRow.tokens_in,
        UsageRow.tokens_out,
        UsageRow.tokens_counted,
        UsageRow.spoken_s,
        UsageRow.answers,
        UsageRow.cost,
    )
)


class Quotas:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, person_id: int, guild_id: int, used: Usage, *, unnamed: bool = False
    ) -> None:
        """Add to what was used on ``used.day``; in one statement, so nothing is lost to a race.

        ``unnamed`` counts it under the person's stand-in, as a forget does with that day's usage.
        """
        if unnamed:
            person_id = self._database.pseudonyms.of(person_id)
        async with self._database.writing() as connection:
            await connection.execute(
                add(
                    self._database.dialect,
                    UsageRow,
                    {"person_id": person_id, "guild_id": guild_id, "day": used.day},
                    {
                        "tokens_in": used.tokens_in,
                        "tokens_out": used.tokens_out,
                        "tokens_counted": used.tokens_counted,
                        "spoken_s": used.spoken_s,
                        "answers": used.answers,
                        "cost": used.cost,
                    },
                )
            )

    async def used(self, person_id: int, day: str) -> dict[int, Usage]:
        """What this person used on one day, by ``guild_id``; before a forget on that day too."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(UsageRow.guild_id, *_SUMS)
                .where(
                    UsageRow.person_id.in_(self._database.pseudonyms.known_as(person_id)),
                    UsageRow.day == day,
                )
                .group_by(UsageRow.guild_id)
            )
            return {guild_id: _usage(day, sums) for guild_id, *sums in rows}

    async def totals(self, since_day: str, guild_id: int | None = None) -> Usage:
        """What everybody used since a day, in one server or in all."""
        wanted = select(*_SUMS).where(UsageRow.day >= since_day)
        if guild_id is not None:
            wanted = wanted.where(UsageRow.guild_id == guild_id)
        async with self._database.reading() as connection:
            return _usage("", (await connection.execute(wanted)).one())

    async def expire(self, before_day: str) -> int:
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(UsageRow).where(UsageRow.day < before_day))
            return gone.rowcount

    async def limits(self, guild_id: int) -> tuple[Limit, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(
                    LimitRow.guild_id,
                    LimitRow.role_id,
                    LimitRow.tokens_per_day,
                    LimitRow.spoken_s_per_day,
                )
                .where(LimitRow.guild_id == guild_id)
                .order_by(LimitRow.role_id)
            )
            return tuple(Limit(*row) for row in rows)

    async def set_limit(self, limit: Limit) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                upsert(
                    self._database.dialect,
                    LimitRow,
                    {"guild_id": limit.guild_id, "role_id": limit.role_id},
                    {
                        "tokens_per_day": limit.tokens_per_day,
                        "spoken_s_per_day": limit.spoken_s_per_day,
                    },
                )
            )

    async def remove_limit(self, guild_id: int, role_id: int) -> bool:
        """Whether there was one."""
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(LimitRow).where(LimitRow.guild_id == guild_id, LimitRow.role_id == role_id)
            )
            return gone.rowcount > 0


def _usage(day: str, sums: Any) -> Usage:
    tokens_in, tokens_out, tokens_counted, spoken_s, answers, cost = sums
    return Usage(
        day=day,
        tokens_in=int(tokens_in),
        tokens_out=int(tokens_out),
        tokens_counted=int(tokens_counted),
        spoken_s=float(spoken_s),
        answers=int(answers),
        cost=float(cost),
    )
