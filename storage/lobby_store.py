"""The lobby's books: each transition is one transaction, whichever process makes it.

SQLite takes its write lock with ``BEGIN IMMEDIATE``; PostgreSQL an advisory lock that the
transaction holds. Who decides what is none of storage's business: ``transact`` is given a function.

Other processes hear of a change by LISTEN/NOTIFY. SQLite has nothing like it: Parleys in the same
process ring each other's bells, and other processes see ``PRAGMA data_version`` differ, which
costs no more than a look at shared memory and is asked ``poll_s`` apart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Double,
    Label,
    Row,
    Select,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import StorageBusy, StorageUnreachable, translated
from storage.lobby_records import (
    Books,
    Change,
    Deed,
    Entry,
    Place,
    Post,
    Process,
    Room,
    ServerRules,
    Stage,
    TrailLine,
)
from storage.lobby_tables import (
    LobbyBookRow,
    LobbyPlaceRow,
    LobbyPostRow,
    LobbyProcessRow,
    LobbyRoomRow,
    LobbyRulesRow,
    LobbyTrailRow,
)
from storage.portable import upsert
from storage.tables import Base

if TYPE_CHECKING:
    from storage.database import Database

_LOCK = 0x4C6F626279  # "Lobby"
_CHANNEL = "parley_lobby"
_BUSY_TRIES = 4
_CLOCK = {
    # julianday counts in milliseconds; SQLite has seconds with a fraction only since 3.42.
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    # Not now(): that is when the transaction began, before it waited for the lock.
    "postgresql": "extract(epoch from clock_timestamp())::double precision",
}
_LISTEN_S = 30.0
_ALONE = 10
"""How much less often SQLite is asked for changes when no other process is known."""


class LobbyBooks:
    """Every method raises ``StorageError``; then nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bells: set[asyncio.Event] = set()
        self._known: Books | None = None

    async def transact(
        self, process: str, decide: Callable[[Books, float], Entry]
    ) -> tuple[Post, ...]:
        """Read, let ``decide(books, database_s)`` write, and save, as one step across processes.

        Takes the posts that wait for ``process``, oldest first. ``decide`` must be pure: it is
        called again when the database was too busy. What it raises undoes everything.
        """
        for tries_left in reversed(range(_BUSY_TRIES)):
            try:
                return await self._transact(process, decide)
            except StorageBusy:
                if not tries_left:
                    raise
        raise AssertionError("unreachable")

    async def _transact(
        self, process: str, decide: Callable[[Books, float], Entry]
    ) -> tuple[Post, ...]:
        postgres = self._database.dialect == "postgresql"
        async with self._database.writing() as connection:
            if postgres:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            header = await self._header(connection, process)
            before = await self._books(connection, header)
            entry = decide(before, float(header.now_s))
            await _save(connection, self._database.dialect, before, entry)
            posts = await _take(connection, process) if header.posts else ()
            if postgres:
                news = json.dumps([entry.books.version, sorted({p.process for p in entry.posts})])
                await connection.execute(select(text(f"pg_notify('{_CHANNEL}', :n)")), {"n": news})
        self._known = entry.books
        for bell in self._bells:
            bell.set()
        return posts

    async def read(self) -> Books:
        """The books as they are, without waiting for anybody."""
        async with self._database.reading() as connection:
            if self._database.dialect == "postgresql":
                # All tables as of one moment; SQLite never reads otherwise.
                await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            return await self._books(connection, await self._header(connection, ""))

    def changes(self, process: str, *, poll_s: float) -> AsyncGenerator[Change, None]:
        """Each time somebody, in any process, changed the lobby; the present state first.

        May skip changes, but never the last one. Ends only by an error or by being closed.
        """
        if self._database.dialect == "postgresql":
            return self._notified(process)
        return self._polled(process, poll_s)

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        """Seconds that the newest ``count`` sessions lasted, newest first."""
        newest = (
            select(LobbyTrailRow.held_s)
            .where(LobbyTrailRow.deed == Deed.RELEASED, LobbyTrailRow.held_s > 0)
            .order_by(LobbyTrailRow.id.desc())
            .limit(count)
        )
        async with self._database.reading() as connection:
            return tuple((await connection.scalars(newest)).all())

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        """Lines of the audit trail after ``after_id``, oldest first; 0 for anyone, anywhere."""
        wanted = select(LobbyTrailRow.__table__).where(LobbyTrailRow.id > after_id)
        if person_id:
            wanted = wanted.where(LobbyTrailRow.person_id == person_id)
        if guild_id:
            wanted = wanted.where(LobbyTrailRow.guild_id == guild_id)
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted.order_by(LobbyTrailRow.id).limit(limit))
            return tuple(TrailLine(**{**row, "deed": Deed(row["deed"])}) for row in rows.mappings())

    async def prune(self, before_s: float) -> int:
        """Forget lines of the audit trail older than this, by the lobby's clock. How many."""
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(LobbyTrailRow).where(LobbyTrailRow.at_s < before_s)
            )
            return gone.rowcount

    async def _header(self, connection: AsyncConnection, process: str) -> Row[Any]:
        """The book, the time by the database's clock, and whether posts wait for ``process``."""
        clock: Label[float] = literal_column(_CLOCK[self._database.dialect], Double).label("now_s")
        people = select(func.count()).select_from(LobbyPlaceRow).scalar_subquery()
        posts = exists().where(LobbyPostRow.process == process)
        processes = select(func.count()).select_from(LobbyProcessRow).scalar_subquery()
        wanted = select(
            LobbyBookRow.__table__,
            clock,
            people.label("people"),
            processes.label("processes"),
            posts.label("posts"),
        )
        return (await connection.execute(wanted)).one()

    async def _books(self, connection: AsyncConnection, header: Row[Any]) -> Books:
        """The books, read only if they are not as this process last saw them.

        The version tells, and the number of people, which changes too when one is forgotten.
        """
        known = self._known
        if known and (known.version, len(known.places)) == (header.version, header.people):
            return known
        self._known = await _read(connection, header)
        return self._known

    async def _change(self, connection: AsyncConnection, process: str) -> Change:
        header = await self._header(connection, process)
        return Change(header.version, bool(header.posts))

    async def _notified(self, process: str) -> AsyncGenerator[Change, None]:
        import psycopg  # only here: with SQLite it need not be there

        async with self._database.outside_transactions() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if driver is None:
                raise RuntimeError("a connection without its driver")
            try:
                await driver.execute(f"LISTEN {_CHANNEL}")
                yield await self._change(connection, process)
                while True:
                    # A time limit, so that a connection that died in silence is noticed.
                    async for news in driver.notifies(timeout=_LISTEN_S):
                        version, names = json.loads(news.payload)
                        yield Change(version, process in names)
                    yield await self._change(connection, process)
            except psycopg.Error as error:
                # What the driver raises by itself no layer above knows.
                raise translated(error) or StorageUnreachable("the news were cut off") from None
            finally:
                await connection.invalidate()  # it must not go back to the pool while listening

    async def _polled(self, process: str, poll_s: float) -> AsyncGenerator[Change, None]:
        with self._bell() as bell:
            async with self._database.outside_transactions() as connection:
                seen, wait_s = None, poll_s
                while True:
                    bell.clear()
                    # data_version tells of every connection but this one, which only reads.
                    found = await connection.scalar(text("PRAGMA data_version"))
                    if found != seen:
                        seen = found
                        header = await self._header(connection, process)
                        # Alone, there is nothing to hear but that another process comes.
                        wait_s = poll_s if header.processes > 1 else poll_s * _ALONE
                        yield Change(header.version, bool(header.posts))
                    try:
                        async with asyncio.timeout(wait_s):
                            await bell.wait()
                    except TimeoutError:
                        continue

    @contextmanager
    def _bell(self) -> Iterator[asyncio.Event]:
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)


def _all(table: type[Base], record: type) -> Select[Any]:
    """Every row, with its columns in the order of the record's fields."""
    return select(*(table.__table__.c[each.name] for each in fields(record)))


_PLACES = _all(LobbyPlaceRow, Place)
_ROOMS = _all(LobbyRoomRow, Room)
_PROCESSES = _all(LobbyProcessRow, Process)
_RULES = _all(LobbyRulesRow, ServerRules)
_STAGE = [each.name for each in fields(Place)].index("stage")


async def _read(connection: AsyncConnection, book: Row[Any]) -> Books:
    places = [_place(row) for row in await connection.execute(_PLACES)]
    rooms = [Room(*row) for row in await connection.execute(_ROOMS)]
    processes = [Process(*row) for row in await connection.execute(_PROCESSES)]
    rules = [_rules(row) for row in await connection.execute(_RULES)]
    return Books(
        places={each.person_id: each for each in places},
        rooms={each.guild_id: each for each in rooms},
        processes={each.name: each for each in processes},
        rules={each.guild_id: each for each in rules},
        next_ticket=book.next_ticket,
        version=book.version,
        seen_s=book.seen_s,
        skew_s=book.skew_s,
    )


def _place(row: Sequence[Any]) -> Place:
    values = list(row)
    values[_STAGE] = Stage(values[_STAGE])
    return Place(*values)


def _rules(row: Sequence[Any]) -> ServerRules:
    guild_id, seats, reserved, idle_s, priority_roles = row
    return ServerRules(guild_id, seats, reserved, idle_s, tuple(json.loads(priority_roles)))


async def _save(connection: AsyncConnection, dialect: str, before: Books, entry: Entry) -> None:
    """Write what differs."""
    after = entry.books
    for table, old, new in (
        (LobbyPlaceRow, before.places, after.places),
        (LobbyRoomRow, before.rooms, after.rooms),
        (LobbyProcessRow, before.processes, after.processes),
        (LobbyRulesRow, before.rules, after.rules),
    ):
        await _save_table(connection, dialect, table, old, new)
    if entry.trail:
        await connection.execute(insert(LobbyTrailRow), [_new(line) for line in entry.trail])
    if entry.posts:
        await connection.execute(insert(LobbyPostRow), [_new(post) for post in entry.posts])
    await connection.execute(
        update(LobbyBookRow).values(
            next_ticket=after.next_ticket,
            version=after.version,
            seen_s=after.seen_s,
            skew_s=after.skew_s,
        )
    )


async def _save_table(
    connection: AsyncConnection,
    dialect: str,
    table: type[Base],
    old: Mapping[Any, Place | Room | Process | ServerRules],
    new: Mapping[Any, Place | Room | Process | ServerRules],
) -> None:
    key = table.__mapper__.primary_key[0].name
    for removed in old.keys() - new.keys():
        await connection.execute(delete(table).where(table.__mapper__.primary_key[0] == removed))
    for name, record in new.items():
        if old.get(name) is not record and old.get(name) != record:
            values = asdict(record)
            if "priority_roles" in values:
                values["priority_roles"] = json.dumps(values["priority_roles"])
            await connection.execute(upsert(dialect, table, {key: values.pop(key)}, values))


async def _take(connection: AsyncConnection, process: str) -> tuple[Post, ...]:
    rows = await connection.execute(
        delete(LobbyPostRow)
        .where(LobbyPostRow.process == process)
        .returning(LobbyPostRow.__table__)
    )
    return tuple(sorted((Post(**row) for row in rows.mappings()), key=lambda post: post.id))


def _new(record: TrailLine | Post) -> dict[str, Any]:
    values = asdict(record)
    del values["id"]  # the database numbers it
    return values
