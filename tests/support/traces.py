"""Looks for a person in every row of a SQLite store, whatever its tables and columns are called."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path


def traces(file: Path, person_id: int) -> Counter[str]:
    """How many rows of each table hold this id, as a number or inside a text."""
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own
            for row in rows:
                if any(_holds(value, person_id) for value in row):
                    found[table] += 1
    return found


def _holds(value: object, person_id: int) -> bool:
    return value == person_id or (isinstance(value, str) and str(person_id) in value)
