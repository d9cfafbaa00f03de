"""What the lobby needs from Discord. ``cogs`` implements it.

``tests/lobby/contracts.py`` checks a fake and the real thing alike.
"""

from __future__ import annotations

from typing import Protocol

from lobby.records import Notice, Why


class VoiceFailed(Exception):
    """A voice connection could not be made: full, forbidden, deleted, or failed."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class VoicePort(Protocol):
    """Parley's voice connections: at most one in each server.

    The director calls these one at a time for each server, in order. Each is idempotent.
    """

    async def connect(self, guild_id: int, channel_id: int) -> None:
        """Be connected to this channel; move there if connected elsewhere in this server.

        Returns when connected. Raises :class:`VoiceFailed` (``CHANNEL_FULL``, ``FORBIDDEN``,
        ``CHANNEL_DELETED``, ``CONNECTION_FAILED``).
        """
        ...

    async def move(self, guild_id: int, channel_id: int) -> None:
        """Go to another channel of this server. Raises :class:`VoiceFailed`."""
        ...

    async def leave(self, guild_id: int) -> None:
        """Be connected nowhere in this server; whatever still plays stops. Never fails."""
        ...

    async def silence(self, guild_id: int, person_id: int) -> None:
        """Stop and forget what this person has in the speech queue of this server, at once."""
        ...

    def where(self, guild_id: int) -> int:
        """The channel Parley is connected to in this server, 0 for none."""
        ...


class NoticePort(Protocol):
    """Telling people things. A notice that cannot be delivered is dropped by the implementation."""

    async def tell(self, notice: Notice) -> None:
        """Tell somebody without making their device ring."""
        ...

    async def ping(self, notice: Notice) -> None:
        """Tell somebody so that they notice: mention them (and nobody else)."""
        ...
