"""What the lobby needs from storage: transitions that are atomic across processes.

``storage/lobby_store.py`` is the real one (SQLite, PostgreSQL). The decision is always the lobby's:
the store reads the books, lets ``decide`` write in them, and saves, while nobody else can.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from storage.lobby_records import Books, Change, Entry, Post, TrailLine

Decide = Callable[[Books, float], Entry]
"""``decide(books, database_s)``: pure and quick; may be called again."""


class LobbyStore(Protocol):
    """Every method raises ``storage.errors.StorageError``; then nothing has changed."""

    async def transact(self, process: str, decide: Decide) -> tuple[Post, ...]:
        """Read, decide and save as one step, and take the posts for ``process``, oldest first.

        An exception from ``decide`` undoes everything and is passed on.
        """
        ...

    async def read(self) -> Books:
        """The books as they are, without waiting for anybody."""
        ...

    def changes(self, process: str, *, poll_s: float) -> AsyncGenerator[Change, None]:
        """Each time somebody, in any process, changed the lobby; the present state first.

        May skip changes, but never the last one. Ends only by an error or by being closed.
        """
        ...

    async def session_lengths(self, count: int) -> tuple[float, ...]:
        """Seconds that the newest ``count`` sessions lasted, newest first."""
        ...

    async def trail(
        self, *, person_id: int = 0, guild_id: int = 0, after_id: int = 0, limit: int = 100
    ) -> tuple[TrailLine, ...]:
        """Lines of the audit trail after ``after_id``, oldest first; 0 for anyone, anywhere."""
        ...

    async def prune(self, before_s: float) -> int:
        """Forget lines of the audit trail older than this, by the lobby's clock. How many."""
        ...
