"""Turns: saved once, read newest first, and never further back than a budget needs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.portable import insert_ignoring
from storage.records import MemoryTotals, NewTurn, Recent, Summary, Turn
from storage.tables import MemoryRow, TurnRow

if TYPE_CHECKING:
    from storage.database import Database

_PAGE = 32
_COLUMNS = (
    TurnRow.id,
    TurnRow.person_id,
    TurnRow.guild_id,
    TurnRow.channel_id,
    TurnRow.asked,
    TurnRow.answered,
    TurnRow.asked_tokens,
    TurnRow.answered_tokens,
    TurnRow.encoding,
    TurnRow.complete,
    TurnRow.pinned,
    TurnRow.at_s,
    TurnRow.since_id,
)


class Turns:
    """The memory of every person, one per server. Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(
        self,
        person_id: int,
        guild_id: int,
        *,
        budget_tokens: int,
        turn_tokens: int = 0,
        before_id: int | None = None,
    ) -> Recent:
        """The newest turns until ``budget_tokens`` are reached, older than ``before_id`` if given.

        ``turn_tokens`` is what a turn costs beside its text. Takes the same time however long the
        history is. Begins a memory where there is none.
        """

        async def fetch(connection: AsyncConnection, header: Row[*tuple[Any, ...]]) -> Recent:
            pages = _Pages(person_id, guild_id, before_id)
            turns, more = await pages.read(connection, budget_tokens, turn_tokens)
            pinned = await pages.pinned(connection) if header.pins else ()
            return Recent(
                epoch=header.epoch,
                turns=turns,
                pinned=pinned,
                summary=_summary(header),
                more=more,
            )

        async with self._database.reading() as connection:
            header = await _header(connection, person_id, guild_id)
            if header is not None:
                return await fetch(connection, header)
        # Nobody knows this person here: there is nothing to fetch, but a memory to begin.
        async with self._database.writing() as connection:
            await connection.execute(
                insert_ignoring(self._database.dialect, MemoryRow).values(
                    person_id=person_id,
                    guild_id=guild_id,
                    epoch=secrets.randbits(62),
                    summary="",
                    summary_tokens=0,
                    summary_encoding="",
                    summary_upto=0,
                )
            )
            header = await _header(connection, person_id, guild_id)
            if header is None:
                raise RuntimeError("a row just written is missing")
            return await fetch(connection, header)

    async def save(self, turn: NewTurn, *, epoch: int) -> Turn | None:
        """Save a turn once; ``None``, and nothing saved, when the memory was cleared meanwhile."""
        values = {**_values(turn), "pinned": False}
        # FOR UPDATE holds a clear on PostgreSQL off until we committed; SQLite has one writer.
        still_there = (
            select(
                *(
                    bindparam(None, value, TurnRow.__table__.c[name].type)
                    for name, value in values.items()
                )
            )
            .where(_my_memory(turn.person_id, turn.guild_id), MemoryRow.epoch == epoch)
            .with_for_update()
        )
        async with self._database.writing() as connection:
            found = await connection.execute(
                insert(TurnRow).from_select(list(values), still_there).returning(TurnRow.id)
            )
            turn_id = found.scalar_one_or_none()
            return None if turn_id is None else Turn(id=turn_id, **values)

    async def replace(self, turn_id: int, turn: NewTurn, *, epoch: int) -> Turn | None:
        """Put a new answer where an old one was, keeping its place and its pin.

        ``None``, and nothing changed, when it is no longer there or not this person's.
        """
        async with self._database.writing() as connection:
            if not await _same_epoch(connection, turn.person_id, turn.guild_id, epoch):
                return None
            found = await connection.execute(
                update(TurnRow)
                .where(_mine(turn.person_id, turn.guild_id), TurnRow.id == turn_id)
                .values(**_values(turn))
                .returning(*_COLUMNS)
            )
            row = found.one_or_none()
            return None if row is None else _turn(row)

    async def get(self, person_id: int, guild_id: int, turn_id: int) -> Turn | None:
        async with self._database.reading() as connection:
            return await _one(connection, _select(person_id, guild_id).where(TurnRow.id == turn_id))

    async def undo(self, person_id: int, guild_id: int) -> Turn | None:
        """Take the newest turn back and return it. The summary goes too if it told of that turn."""
        async with self._database.writing() as connection:
            turn = await _one(connection, _newest_first(person_id, guild_id).limit(1))
            if turn is None:
                return None
            await connection.execute(delete(TurnRow).where(TurnRow.id == turn.id))
            await connection.execute(
                update(MemoryRow)
                .where(_my_memory(person_id, guild_id), MemoryRow.summary_upto >= turn.id)
                .values(**_NO_SUMMARY)
            )
            return turn

    async def pin(self, person_id: int, guild_id: int, turn_id: int, pinned: bool) -> bool:
        """Whether there was such a turn of theirs."""
        async with self._database.writing() as connection:
            found = await connection.execute(
                update(TurnRow)
                .where(_mine(person_id, guild_id), TurnRow.id == turn_id)
                .values(pinned=pinned)
            )
            if pinned and found.rowcount:
                await connection.execute(
                    update(MemoryRow).where(_my_memory(person_id, guild_id)).values(pins=True)
                )
            return found.rowcount > 0

    async def clear(self, person_id: int, guild_id: int) -> int:
        """Forget this memory; answers that are being written now are not saved. How many turns."""
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(TurnRow).where(_mine(person_id, guild_id)))
            await connection.execute(delete(MemoryRow).where(_my_memory(person_id, guild_id)))
            return gone.rowcount

    async def clear_channel(self, guild_id: int, channel_id: int) -> int:
        """Forget what was said in one channel, and every summary that may tell of it."""
        here = and_(TurnRow.guild_id == guild_id, TurnRow.channel_id == channel_id)
        async with self._database.writing() as connection:
            speakers = select(TurnRow.person_id).where(here)
            await connection.execute(
                update(MemoryRow).where(MemoryRow.guild_id == guild_id).values(**_NO_SUMMARY)
            )
            # Another epoch keeps out what is being written; the row knows of pins elsewhere.
            await connection.execute(
                update(MemoryRow)
                .where(MemoryRow.guild_id == guild_id, MemoryRow.person_id.in_(speakers))
                .values(epoch=secrets.randbits(62))
            )
            gone = await connection.execute(delete(TurnRow).where(here))
            return gone.rowcount

    async def clear_guild(self, guild_id: int) -> int:
        """Forget every memory in one server."""
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(TurnRow).where(TurnRow.guild_id == guild_id))
            await connection.execute(delete(MemoryRow).where(MemoryRow.guild_id == guild_id))
            return gone.rowcount

    async def totals(self, person_id: int, guild_id: int) -> MemoryTotals:
        """Of the whole memory, window or not. Grows with the history: not for every message."""
        async with self._database.reading() as connection:
            found = await connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(TurnRow.asked_tokens + TurnRow.answered_tokens), 0),
                ).where(_mine(person_id, guild_id))
            )
            turns, tokens = found.one()
            return MemoryTotals(turns=turns, tokens=int(tokens))

    async def between(
        self, person_id: int, guild_id: int, *, after_id: int, before_id: int, limit: int = 64
    ) -> tuple[Turn, ...]:
        """Turns with ``after_id < id < before_id``, oldest first: those that left since."""
        wanted = (
            _select(person_id, guild_id)
            .where(TurnRow.id > after_id, TurnRow.id < before_id)
            .order_by(TurnRow.id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return tuple(_turn(row) for row in await connection.execute(wanted))

    async def save_summary(
        self, person_id: int, guild_id: int, summary: Summary, *, epoch: int
    ) -> bool:
        """Whether it was saved: not when the memory was cleared, or a turn in it undone."""
        still_there = select(TurnRow.id).where(
            _mine(person_id, guild_id), TurnRow.id == summary.upto_id
        )
        async with self._database.writing() as connection:
            found = await connection.execute(
                update(MemoryRow)
                .where(
                    _my_memory(person_id, guild_id),
                    MemoryRow.epoch == epoch,
                    MemoryRow.summary_upto < summary.upto_id,
                    still_there.exists(),
                )
                .values(
                    summary=summary.text,
                    summary_tokens=summary.tokens,
                    summary_encoding=summary.encoding,
                    summary_upto=summary.upto_id,
                )
            )
            return found.rowcount > 0

    async def expire(self, before_s: float, guild_id: int | None = None) -> int:
        """Forget turns older than ``before_s``, pinned ones and summaries of them too."""
        old = TurnRow.at_s < before_s
        if guild_id is not None:
            old = and_(old, TurnRow.guild_id == guild_id)
        async with self._database.writing() as connection:
            newest_gone = (
                select(func.max(TurnRow.id))
                .where(
                    old,
                    TurnRow.person_id == MemoryRow.person_id,
                    TurnRow.guild_id == MemoryRow.guild_id,
                )
                .scalar_subquery()
            )
            await connection.execute(
                update(MemoryRow).where(newest_gone.is_not(None)).values(**_NO_SUMMARY)
            )
            gone = await connection.execute(delete(TurnRow).where(old))
            return gone.rowcount


_NO_SUMMARY: dict[str, Any] = {"summary": "", "summary_tokens": 0, "summary_upto": 0}


def _mine(person_id: int, guild_id: int) -> ColumnElement[bool]:
    return and_(TurnRow.person_id == person_id, TurnRow.guild_id == guild_id)


def _my_memory(person_id: int, guild_id: int) -> ColumnElement[bool]:
    return and_(MemoryRow.person_id == person_id, MemoryRow.guild_id == guild_id)


def _select(person_id: int, guild_id: int) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(_mine(person_id, guild_id))


def _newest_first(person_id: int, guild_id: int) -> Select[*tuple[Any, ...]]:
    return _select(person_id, guild_id).order_by(TurnRow.id.desc())


async def _header(
    connection: AsyncConnection, person_id: int, guild_id: int
) -> Row[*tuple[Any, ...]] | None:
    found = await connection.execute(
        select(
            MemoryRow.epoch,
            MemoryRow.summary,
            MemoryRow.summary_tokens,
            MemoryRow.summary_encoding,
            MemoryRow.summary_upto,
            MemoryRow.pins,
        ).where(_my_memory(person_id, guild_id))
    )
    return found.one_or_none()


async def _same_epoch(
    connection: AsyncConnection, person_id: int, guild_id: int, epoch: int
) -> bool:
    found = await connection.scalar(
        select(MemoryRow.epoch).where(_my_memory(person_id, guild_id)).with_for_update()
    )
    return bool(found == epoch)


class _Pages:
    """One memory, read backwards a page at a time."""

    def __init__(self, person_id: int, guild_id: int, before_id: int | None) -> None:
        self._wanted = _newest_first(person_id, guild_id)
        self._pinned = _select(person_id, guild_id).where(TurnRow.pinned).order_by(TurnRow.id)
        if before_id is not None:
            self._wanted = self._wanted.where(TurnRow.id < before_id)
            self._pinned = self._pinned.where(TurnRow.id < before_id)

    async def read(
        self, connection: AsyncConnection, budget_tokens: int, turn_tokens: int
    ) -> tuple[tuple[Turn, ...], bool]:
        """Turns, oldest first, and whether there are more."""
        turns: list[Turn] = []
        page, tokens, more = self._wanted, 0, True
        while more and tokens <= budget_tokens:
            rows = (await connection.execute(page.limit(_PAGE + 1))).all()
            more = len(rows) > _PAGE
            fetched = [_turn(row) for row in rows[:_PAGE]]
            turns += fetched
            tokens += sum(turn.tokens + turn_tokens for turn in fetched)
            if more:
                page = self._wanted.where(TurnRow.id < turns[-1].id)
        return tuple(reversed(turns)), more

    async def pinned(self, connection: AsyncConnection) -> tuple[Turn, ...]:
        return tuple(_turn(row) for row in await connection.execute(self._pinned))


def _summary(header: Row[*tuple[Any, ...]]) -> Summary | None:
    if not header.summary:
        return None
    return Summary(
        text=header.summary,
        tokens=header.summary_tokens,
        encoding=header.summary_encoding,
        upto_id=header.summary_upto,
    )


async def _one(connection: AsyncConnection, wanted: Select[*tuple[Any, ...]]) -> Turn | None:
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _turn(row)


def _turn(row: Row[*tuple[Any, ...]]) -> Turn:
    return Turn(*row)


def _values(turn: NewTurn) -> dict[str, Any]:
    return {
        "person_id": turn.person_id,
        "guild_id": turn.guild_id,
        "channel_id": turn.channel_id,
        "asked": turn.asked,
        "answered": turn.answered,
        "asked_tokens": turn.asked_tokens,
        "answered_tokens": turn.answered_tokens,
        "encoding": turn.encoding,
        "complete": turn.complete,
        "at_s": turn.at_s,
        "since_id": turn.since_id,
    }
