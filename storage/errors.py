"""What can go wrong with the store; every failure of a database driver becomes one of these.

``storage`` knows nobody, so these carry no sentence for a person; ``cogs/replies.py`` has them.
Messages name the kind of failure only: never a value, a statement, a password or a path.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StorageError(Exception):
    """Base of the tree. The transaction it ended changed nothing, so trying again is safe."""


class StorageBusy(StorageError):
    """Somebody else held a lock for longer than we wait."""


class StorageFull(StorageError):
    """The disk, or the quota of the database, is full."""


class StorageCorrupt(StorageError):
    """The file is damaged, or is not a database."""


class StorageReadOnly(StorageError):
    """The database may be read but not written."""


class StorageUnreachable(StorageError):
    """The server does not answer, or the file cannot be opened."""


class StorageTooNew(StorageError):
    """A newer Parley migrated this database; this one would misread it."""


# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE: dict[int, type[StorageError]] = {
    sqlite3.SQLITE_BUSY: StorageBusy,
    sqlite3.SQLITE_LOCKED: StorageBusy,
    sqlite3.SQLITE_FULL: StorageFull,
    sqlite3.SQLITE_CORRUPT: StorageCorrupt,
    sqlite3.SQLITE_NOTADB: StorageCorrupt,
    sqlite3.SQLITE_READONLY: StorageReadOnly,
    sqlite3.SQLITE_PERM: StorageReadOnly,
    sqlite3.SQLITE_CANTOPEN: StorageUnreachable,
    sqlite3.SQLITE_IOERR: StorageUnreachable,
}

# Prefixes of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES: tuple[tuple[str, type[StorageError]], ...] = (
    ("55P03", StorageBusy),  # lock_not_available
    ("57014", StorageBusy),  # query_canceled: our statement timeout
    ("40", StorageBusy),  # serialization failure, deadlock
    ("53300", StorageBusy),  # too many connections
    ("53", StorageFull),  # disk full, out of memory
    ("XX001", StorageCorrupt),
    ("XX002", StorageCorrupt),
    ("25006", StorageReadOnly),
    ("42501", StorageReadOnly),  # insufficient privilege
    ("08", StorageUnreachable),
    ("57P", StorageUnreachable),  # shut down by its operator
    ("28", StorageUnreachable),  # bad role or password
    ("3D", StorageUnreachable),  # no such database
)


def translated(error: BaseException) -> StorageError | None:
    """Our error for a driver's; ``None`` for anything that is a fault in our own code."""
    if isinstance(error, PoolTimeout):
        return StorageBusy("no free connection")
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and (kind := _SQLITE.get(code & 0xFF)):
        return kind(f"sqlite result {code & 0xFF}")
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        for prefix, kind in _POSTGRES:
            if state.startswith(prefix):
                return kind(f"sqlstate {state}")
        return None
    if isinstance(error, DBAPIError) and (error.connection_invalidated or _lost(cause)):
        return StorageUnreachable("the connection was lost")
    if isinstance(error, OSError):
        return StorageUnreachable("the connection was refused")
    if isinstance(error, InterfaceError):
        return StorageUnreachable("the driver is closed")
    return None


def _lost(cause: BaseException | None) -> bool:
    # psycopg gives "connection refused", "server closed the connection" and the like no SQLSTATE.
    return type(cause).__module__.startswith("psycopg") and type(cause).__name__ in {
        "OperationalError",
        "ConnectionTimeout",
        "InterfaceError",
    }


def driver_errors() -> tuple[type[BaseException], ...]:
    """The types worth passing to :func:`translated`."""
    return (SQLAlchemyError, sqlite3.Error, OSError)
