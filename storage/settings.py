"""Where things are remembered. ``settings.py`` composes it; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError


@dataclass(frozen=True)
class StorageSettings:
    """Where things are remembered.

    Attributes:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or
            ``postgresql://user:password@host/name``. A password in it is never printed.

    Raises ``ValueError`` for any other kind of URL.
    """

    url: str = "sqlite:///data/parley.db"

    def __post_init__(self) -> None:
        database_url(self.url)

    def __repr__(self) -> str:
        return f"StorageSettings(url={self.url.split('://')[0]}://…)"


def database_url(url: str) -> URL:
    """``url`` with the driver that we use. Raises ``ValueError``, which quotes no password."""
    try:
        target = make_url(url)
    except (ArgumentError, ValueError):  # the latter may quote what it took for a port
        raise ValueError("url is not a database URL") from None
    match target.get_backend_name():
        case "sqlite":
            if target.database in (None, "", ":memory:"):
                raise ValueError("url: a SQLite database needs a file: sqlite:///data/parley.db")
            return target.set(drivername="sqlite+aiosqlite")
        case "postgresql":
            return target.set(drivername="postgresql+psycopg")
    raise ValueError("url: that kind of database is not supported: use sqlite or postgresql")
