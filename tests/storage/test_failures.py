"""Each way a store fails has its own error, and none of them says what was being stored."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from storage import database as database_module
from storage.database import Database, open_database
from storage.errors import (
    StorageBusy,
    StorageCorrupt,
    StorageFull,
    StorageReadOnly,
    StorageTooNew,
    StorageUnreachable,
)
from tests.storage.test_turns import ANNA, CLUB, recent, said, tell, texts
from tests.support.databases import postgres_url

SECRET = "what was said in confidence"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parley.db"


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite:///{file}") as database:
        yield database


def tells(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def overwrite(file: Path, at: int, data: bytes) -> None:
    kept = file.read_bytes()[:at] if at else b""
    file.write_bytes(kept + data)


async def test_locked_by_another_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with opened(file) as database:
        await tell(database, said("before"))
        epoch = (await recent(database)).epoch
        other = sqlite3.connect(file)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageBusy) as caught:
            await database.turns.save(said(SECRET), epoch=epoch)
        assert SECRET not in tells(caught.value)
        assert await texts(database) == ["before"]  # reading goes on
        other.rollback()
        other.close()
        await database.turns.save(said("after"), epoch=epoch)
        assert await texts(database) == ["before", "after"]


async def test_a_row_locked_in_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    url = postgres_url()
    async with open_database(url) as database:
        await tell(database, said("before"))
        epoch = (await recent(database)).epoch
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE turns IN EXCLUSIVE MODE")
            with pytest.raises(StorageBusy) as caught:
                await database.turns.save(said(SECRET), epoch=epoch)
        assert SECRET not in tells(caught.value)
        assert await texts(database) == ["before"]


async def test_a_full_disk(file: Path) -> None:
    async with opened(file) as database:
        await tell(database, said("before"))
        epoch = (await recent(database)).epoch
        async with database.writing() as connection:
            pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
            # Holds for this connection, the only one in the pool.
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))
        with pytest.raises(StorageFull) as caught:
            await database.turns.save(said(SECRET * 1000), epoch=epoch)
        assert SECRET not in tells(caught.value)
        assert await texts(database) == ["before"]


@pytest.mark.parametrize("damage", ["no database", "damaged"])
async def test_a_damaged_file(file: Path, damage: str) -> None:
    if damage == "no database":
        overwrite(file, 0, b"this is no database at all" * 100)
    else:
        async with opened(file) as database:
            for number in range(50):
                await tell(database, said(str(number) * 300))
            await database.privacy.erase()
        overwrite(file, 4096, b"\xa5" * 100_000)
    with pytest.raises(StorageCorrupt):
        async with opened(file) as database:
            await texts(database)


async def test_a_file_that_may_not_be_written(file: Path) -> None:
    async with opened(file) as database:
        await tell(database, said("before"))
        async with database.reading() as connection:
            await connection.execute(text("PRAGMA query_only=ON"))
            await connection.execute(text("SELECT 1"))
        with pytest.raises(StorageReadOnly):
            await database.check()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    overwrite(tmp_path / "file", 0, b"in the way")
    with pytest.raises(StorageUnreachable):
        async with opened(tmp_path / "file" / "parley.db"):
            pass


async def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageUnreachable):
        async with opened(tmp_path):
            pass


async def test_a_server_that_is_not_there() -> None:
    url = "postgresql://anna:hush@127.0.0.1:9/parley"
    with pytest.raises(StorageUnreachable) as caught:
        async with open_database(url):
            pass
    assert "hush" not in tells(caught.value)


async def test_a_database_that_is_not_there() -> None:
    url = postgres_url()
    with pytest.raises(StorageUnreachable):
        async with open_database(url.replace("/parley", "/missing")):
            pass


async def test_a_connection_that_is_lost_is_made_anew() -> None:
    url = postgres_url()
    async with open_database(url) as database:
        await tell(database, said("before"))
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await texts(database) == ["before"]


async def test_a_database_of_a_newer_version(url: str) -> None:
    async with open_database(url) as database, database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageTooNew):
        async with open_database(url):
            pass


@pytest.mark.parametrize(
    "url", ["", "parley.db", "sqlite://", "sqlite:///:memory:", "mysql://localhost/parley"]
)
async def test_a_url_that_is_none_of_ours(url: str) -> None:
    with pytest.raises(ValueError):
        async with open_database(url):
            pass


async def test_the_check_leaves_nothing_behind(database: Database) -> None:
    await database.check()
    await database.check()
    assert await database.privacy.export(ANNA) == {}
    assert (await database.turns.totals(ANNA, CLUB)).turns == 0
