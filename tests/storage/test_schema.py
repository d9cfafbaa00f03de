"""Migrations: what they make is what the code expects, whoever runs them and however they end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from storage import schema
from storage.database import Database, open_database
from storage.schema import MIGRATIONS, newest
from storage.tables import PERSON, Base
from tests.storage.test_turns import ANNA, BEN, CLUB, recent

ROOT = Path(__file__).parents[2]


async def test_migrations_make_the_tables_the_code_expects(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


def test_migrations_are_one_line_of_numbers() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [newest()]
    numbers = [script.revision for script in scripts.walk_revisions()]
    assert numbers == [f"{number:04}" for number in range(len(numbers), 0, -1)]


async def test_a_migration_that_fails_half_way_changes_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = schema._upgrade

    def broken(connection: Connection, wanted: str) -> None:
        upgrade(connection, wanted)
        raise ZeroDivisionError

    monkeypatch.setattr(schema, "_upgrade", broken)
    with pytest.raises(ZeroDivisionError):
        async with open_database(url):
            pass
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    monkeypatch.setattr(schema, "_upgrade", upgrade)
    async with open_database(url) as database:
        await database.check()


def run_together(number: int, command: list[str]) -> list[int]:
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(number)]
    return [process.wait() for process in processes]


async def test_several_processes_open_a_new_database_at_once(url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from storage.database import open_database\n"
        "async def main():\n"
        "    async with open_database(sys.argv[1]) as database:\n"
        "        await database.check()\n"
        "asyncio.run(main())\n"
    )
    assert run_together(3, [sys.executable, "-c", program, url]) == [0, 0, 0]


def test_every_column_that_says_whom_a_row_is_about_is_marked() -> None:
    """So that export and forget cannot miss a table."""
    nobody = {
        *("guild_id", "channel_id", "present_id", "text_channel_id", "barred_id", "role_id"),
        *("message_id", "persona_id", "since_id", "id"),
        "persona_defaults.subject_id",  # a channel, a role or a server
        "pronunciations.scope_id",  # a person or their persona among others: the export knows
    }
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if column.name == "id" or column.name.endswith("_id"):
                whole = f"{table.name}.{column.name}"
                known = {column.name, whole} & nobody
                assert bool(column.info.get(PERSON)) is not bool(known), whole


async def test_a_store_of_the_first_version_is_brought_up_to_date(url: str) -> None:
    """What was remembered before a migration is remembered after it, pins among it."""
    engine = create_async_engine(
        url.replace("postgresql:", "postgresql+psycopg:").replace("sqlite:", "sqlite+aiosqlite:")
    )
    await schema.migrate(engine, "0001")
    async with engine.begin() as connection:
        for person in (ANNA, BEN):
            await connection.execute(
                text("INSERT INTO memories VALUES (:person, :guild, 7, '', 0, '', 0)"),
                {"person": person, "guild": CLUB},
            )
            await connection.execute(
                text(
                    "INSERT INTO turns (person_id, guild_id, channel_id, asked, answered, "
                    "asked_tokens, answered_tokens, encoding, complete, pinned, at_s, since_id) "
                    "VALUES (:person, :guild, 1, 'old', 'old', 1, 1, 'x', :yes, :pinned, 1.0, 0)"
                ),
                {"person": person, "guild": CLUB, "yes": True, "pinned": person == ANNA},
            )
    await engine.dispose()
    async with open_database(url) as database:
        annas = await recent(database, ANNA)
        assert [turn.asked for turn in annas.turns] == ["old"]
        assert annas.pinned == annas.turns
        assert (await recent(database, BEN)).pinned == ()
        assert annas.epoch == 7
