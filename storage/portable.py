"""The few statements that SQLAlchemy spells differently for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from storage.tables import Base


def insert_ignoring(dialect: str, table: type[Base]) -> Any:
    """INSERT that does nothing where the row is there already."""
    return _insert(dialect, table).on_conflict_do_nothing()


def upsert(dialect: str, table: type[Base], key: dict[str, Any], values: dict[str, Any]) -> Any:
    """INSERT, or UPDATE the row that has this ``key``."""
    return (
        _insert(dialect, table)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
    )


def add(dialect: str, table: type[Base], key: dict[str, Any], amounts: dict[str, Any]) -> Any:
    """INSERT, or add ``amounts`` to the row that has this ``key``."""
    return (
        _insert(dialect, table)
        .values(**key, **amounts)
        .on_conflict_do_update(
            index_elements=list(key),
            set_={name: getattr(table, name) + amount for name, amount in amounts.items()},
        )
    )


def _insert(dialect: str, table: type[Base]) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
