"""The open database: connections, transactions, and one attribute per repository.

SQLite and PostgreSQL run the same statements. Every failure of a driver leaves here as one of
``storage.errors``; a transaction that raised has changed nothing.

SQLite writes one at a time: ``writing()`` waits for its turn inside this process with a lock, and
between processes with ``BEGIN IMMEDIATE`` and a busy timeout. A commit is on the disk before it is
acknowledged (``synchronous=FULL``): neither kill -9 nor a power cut takes an acknowledged turn.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.dictionary import Pronunciations
from storage.errors import (
    StorageCorrupt,
    StorageError,
    StorageUnreachable,
    driver_errors,
    translated,
)
from storage.guilds import Guilds
from storage.lobby_store import LobbyBooks
from storage.moderation import Audit, Blocks
from storage.people import People
from storage.personas import Personas
from storage.privacy import Privacy
from storage.pseudonyms import NAME as PSEUDONYMS
from storage.pseudonyms import Pseudonyms
from storage.schema import migrate
from storage.settings import database_url
from storage.tables import SecretRow
from storage.turns import Turns
from storage.usage import Quotas
from storage.voices import Trainings, VoiceRules

BUSY_TIMEOUT_S = 5.0

VIEWS = 5
"""Readers at once, fewer than the pool has connections. Whoever reads may turn to writing, which
takes a second connection: if readers could hold them all, they would wait for each other."""


class Database:
    """Open through :func:`open_database`. All repositories share its connections."""

    def __init__(self, engine: AsyncEngine, pseudonyms: Pseudonyms) -> None:
        self._engine = engine
        self.pseudonyms = pseudonyms
        self._turn_to_write = asyncio.Lock() if engine.dialect.name == "sqlite" else None
        # Whose transaction is open: a task started inside one must not share it.
        self._together: dict[asyncio.Task[Any] | None, AsyncConnection] = {}
        self._viewed: dict[asyncio.Task[Any] | None, AsyncConnection] = {}
        self._viewers = asyncio.Semaphore(VIEWS)
        self.turns = Turns(self)
        self.people = People(self)
        self.personas = Personas(self)
        self.pronunciations = Pronunciations(self)
        self.quotas = Quotas(self)
        self.blocks = Blocks(self)
        self.audit = Audit(self)
        self.guilds = Guilds(self)
        self.lobby = LobbyBooks(self)
        self.voice_rules = VoiceRules(self)
        self.trainings = Trainings(self)
        self.privacy = Privacy(self)

    @property
    def dialect(self) -> str:
        """``"sqlite"`` or ``"postgresql"``."""
        return self._engine.dialect.name

    @property
    def place(self) -> str:
        """Where the database is, for people to read; without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view; never waits for a writer. Raises ``StorageError``.

        Inside another ``reading()`` or ``writing()`` of the same task it is the same view.
        """
        task = asyncio.current_task()
        if (ours := self._together.get(task) or self._viewed.get(task)) is not None:
            async with _errors_translated():
                yield ours
            return
        async with self._viewers, _errors_translated(), self._engine.connect() as connection:
            self._viewed[task] = connection
            try:
                yield connection
            finally:
                del self._viewed[task]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed when the block ends and undone when it raises.

        On SQLite it holds the write lock from its first line, so what it reads cannot change
        under it; on PostgreSQL take ``pg_advisory_xact_lock`` where that matters. Inside another
        ``writing()`` of the same task it is part of that one: all of it happens, or none.
        """
        if (ours := self._together.get(asyncio.current_task())) is not None:
            async with _errors_translated():
                yield ours
            return
        async with AsyncExitStack() as stack:
            if self._turn_to_write is not None:
                await stack.enter_async_context(self._turn_to_write)
            await stack.enter_async_context(_errors_translated())
            connection = await stack.enter_async_context(self._engine.connect())
            await connection.execution_options(parley_writes=True)
            async with connection.begin():
                task = asyncio.current_task()
                self._together[task] = connection
                try:
                    yield connection
                finally:
                    del self._together[task]

    @asynccontextmanager
    async def outside_transactions(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that no transaction may hold (checkpoint, VACUUM)."""
        async with _errors_translated(), self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    async def check(self) -> None:
        """Write, and undo, a row: proof that the store works. Raises ``StorageError``."""
        async with _errors_translated(), self._engine.connect() as connection:
            await connection.execution_options(parley_writes=True)
            transaction = await connection.begin()
            await connection.execute(
                text("INSERT INTO secrets (name, value) VALUES ('check', 'check')")
            )
            await transaction.rollback()


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open, and bring up to date, the database at ``url``.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user:password@host/name``;
    the drivers are chosen here. Raises ``StorageError``; ``ValueError`` for any other kind of URL.
    """
    target = _target(url)
    engine = create_async_engine(target, hide_parameters=True, **_options(target))
    # The driver logs every statement with its values at DEBUG: those are what people wrote.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    try:
        async with _errors_translated():
            if target.get_backend_name() == "sqlite":
                await asyncio.to_thread(_use_wal, str(target.database))
                _prepare_sqlite(engine)
            await migrate(engine)
            pseudonyms = await _pseudonyms(engine)
        yield Database(engine, pseudonyms)
    finally:
        await engine.dispose()


async def _pseudonyms(engine: AsyncEngine) -> Pseudonyms:
    async with engine.connect() as connection:
        key = await connection.scalar(select(SecretRow.value).where(SecretRow.name == PSEUDONYMS))
    if key is None:
        raise StorageCorrupt("the key for pseudonyms is missing")
    return Pseudonyms(key)


def _target(url: str) -> URL:
    target = database_url(url)
    if target.get_backend_name() == "sqlite":
        try:
            Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnreachable("the folder of the database cannot be made") from error
    return target


def _options(target: URL) -> dict[str, Any]:
    if target.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_TIMEOUT_S}, "pool_size": 4, "max_overflow": 4}
    return {
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 10,
            "options": f"-c lock_timeout={int(BUSY_TIMEOUT_S * 1000)} -c statement_timeout=60000",
        },
    }


def _use_wal(path: str) -> None:
    """Turn the write-ahead log on; the file remembers it.

    Done apart from the connections, because SQLite's own timeout does not cover this: several
    processes that open a new file at once would get in each other's way.
    """
    until_s = time.monotonic() + BUSY_TIMEOUT_S
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                    raise
                time.sleep(0.02)
            else:
                return


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """Set each connection up, and begin transactions ourselves instead of letting sqlite3 do it."""

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # secure_delete: a plain DELETE leaves the text in the file.
        for pragma in (
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            # A deferred transaction that turns to writing late can fail at once, timeout or not.
            kind = "IMMEDIATE" if options.get("parley_writes") else "DEFERRED"
            connection.exec_driver_sql(f"BEGIN {kind}")


@asynccontextmanager
async def _errors_translated() -> AsyncIterator[None]:
    try:
        yield
    except StorageError:
        raise
    except driver_errors() as error:
        ours = translated(error)
        if ours is None:
            raise
        # The driver's own message may hold values; it is cut off rather than chained.
        raise ours from None
