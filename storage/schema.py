"""Migrations: append-only scripts in ``migrations/versions``, run when a database is opened.

Scripts are named ``NNNN_what.py`` and their revision is ``NNNN``; each follows the one before. A
migration is one transaction, on SQLite too, so a process killed half way leaves the old schema.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.errors import StorageTooNew

MIGRATIONS = Path(__file__).parent / "migrations"
_POSTGRES_LOCK = 0x5061726C6579  # "Parley": one process migrates, the others wait


def newest() -> str:
    """The revision this code was written for."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


async def migrate(engine: AsyncEngine, to: str | None = None) -> None:
    """Bring the database to revision ``to``, or the newest. Raises ``StorageTooNew``."""
    wanted = to or newest()
    async with engine.connect() as connection:
        if await connection.run_sync(_revision) == wanted:
            return
    async with engine.connect() as connection:
        await connection.execution_options(parley_writes=True)
        async with connection.begin():
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))
            await connection.run_sync(_upgrade, wanted)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _upgrade(connection: Connection, wanted: str) -> None:
    found = _revision(connection)  # again, now that nobody else can be migrating
    if found == wanted:
        return
    if found is not None and found > wanted:
        raise StorageTooNew(f"the database is at revision {found}, this program knows {wanted}")
    # Alembic costs 12 MB and a tenth of a second, and is seldom needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, wanted)
