"""What the lobby needs from storage: transitions that are atomic across processes.

``storage/lobby_store.py`` is the real one (SQLite, PostgreSQL). The decision is always the lobby's:
the store reads the books, lets ``decide`` write in them, and saves, while nobody else can.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from storage.lobby_records import Books, Entry, Post, TrailLine

Decide = Callable[[Books, float], Entry | None]
"""``decide(books, database_s)``: pure and quick. None: nothing changes."""


class LobbyStore(Protocol):
    """Every method raises ``storage.errors.StorageError``; then nothing has changed."""

    async def transact(self, process: str, decide: Decide) -> tuple[Post, ...]:
        """Read, decide and save as one step, and take the posts for ``process``, oldest first.

        An exception from ``decide`` undoes everything and is passed on.
        """
        ...

    def changes(self) -> AsyncIterator[int]:
        """The version of the books each time somebody, in any process, changed them.

        Begins with the present version; may skip versions, never the last one.
        """
        ...

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        """Seconds that the newest ``count`` sessions lasted, newest first."""
        ...

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        """Lines of the audit trail, oldest first; 0 for anyone, anywhere."""
        ...
