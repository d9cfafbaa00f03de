"""What goes wrong on purpose in voice.

The fields are read each time they matter, so a test may change them in mid-sentence;
the methods act at once. All randomness comes from one seeded generator.
"""

from __future__ import annotations

import random
from typing import Protocol


class Connections(Protocol):
    """What the faults need of the voice host."""

    def close_connection(self, guild_id: int, user_id: int, code: int) -> None:
        """Close this user's voice websocket with ``code``.

        Raises ``LookupError`` when the user has none open.
        """

    def drop_connection(self, guild_id: int, user_id: int) -> None:
        """Cut this user's voice websocket at the TCP level, with no close frame.

        Raises ``LookupError`` when the user has none open.
        """

    def garble_commit(self, guild_id: int, user_id: int) -> None:
        """Announce a commit that this user's client cannot process.

        Raises ``LookupError`` when the user is in no call.
        """


class VoiceFaults:
    """The faults of one voice host. A fresh one does no harm."""

    def __init__(self, connections: Connections, seed: int = 0) -> None:
        self._connections = connections
        self._random = random.Random(seed)
        self.welcome_delay_s: float = 0.0
        """Hold back each DAVE commit (op 29) and Welcome (op 30), and what follows, this long."""
        self.loss: float = 0.0
        """The share of RTP packets, 0 to 1, that never arrive."""
        self.jitter_s: float = 0.0
        """Each RTP packet is late by up to this much, evenly spread; packets may overtake."""
        self.refuse_resume: bool = False
        """Answer RESUME (op 7) with close code 4006."""
        self.withhold_description: bool = False
        """Never answer SELECT PROTOCOL (op 1): the client waits for SESSION DESCRIPTION (op 4)."""

    def close(self, guild_id: int, user_id: int, code: int) -> None:
        """Close a voice websocket with ``code``. 4006 and 4009 void the session; a session
        closed with any other code may be resumed. Raises ``LookupError`` without one."""
        self._connections.close_connection(guild_id, user_id, code)

    def drop(self, guild_id: int, user_id: int) -> None:
        """Cut a voice websocket without a close frame, as a lost network does.

        Raises ``LookupError`` when the user has none open."""
        self._connections.drop_connection(guild_id, user_id)

    def garble_commit(self, guild_id: int, user_id: int) -> None:
        """Send one client a DAVE commit (op 29) that is none. It should answer with op 31 and a
        new key package, and is removed and added anew. Raises ``LookupError`` outside of a call.
        """
        self._connections.garble_commit(guild_id, user_id)

    def loses_packet(self) -> bool:
        """Whether the packet at hand is lost."""
        return self.loss > 0 and self._random.random() < self.loss

    def packet_delay_s(self) -> float:
        """How late the packet at hand is, in seconds."""
        return self._random.uniform(0.0, self.jitter_s) if self.jitter_s > 0 else 0.0
