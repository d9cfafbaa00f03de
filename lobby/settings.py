"""What can be set about the lobby. ``settings.py`` composes it; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class LobbySettings:
    """Who may speak, for how long, and how patient the line is.

    Attributes:
        slots: voice sessions at once, across all servers.
        line_most: people who may wait; the next one is told that the line is full.
        idle_s: a session ends after so long without a message to Parley.
        warning_s: how long before that its person is warned.
        claim_s: how long somebody who was called may take to come into a voice channel.
        grace_s: how long somebody who left the channel may take to come back.
        resume_s: sessions go on after a restart, or an outage of Discord, of at most this long.
        heartbeat_s: how often a process says that it is alive.
        lease_s: a process that said nothing for so long is dead; its slots are free.
        retry_s: a channel that Parley was thrown out of, or could not enter, is left alone so long.
        line_keep_s: how long the line of a process that went away keeps its places.
        connect_s: longest wait for one voice connection before its sessions are given up.
        poll_s: how often SQLite is asked whether another process changed the lobby (ten times less
            often while there is no other); PostgreSQL tells by itself.
    """

    slots: Count = 10
    line_most: Count = 200
    idle_s: Seconds = 300.0
    warning_s: Seconds = 60.0
    claim_s: Seconds = 60.0
    grace_s: Seconds = 15.0
    resume_s: Seconds = 30.0
    heartbeat_s: Seconds = 10.0
    lease_s: Seconds = 45.0
    retry_s: Seconds = 60.0
    line_keep_s: Seconds = 600.0
    connect_s: Seconds = 30.0
    poll_s: Seconds = 0.1

    def __post_init__(self) -> None:
        if self.warning_s >= self.idle_s:
            raise ValueError("warning_s must be shorter than idle_s")
        if self.lease_s < self.resume_s + self.heartbeat_s:
            raise ValueError("lease_s must be at least resume_s + heartbeat_s")
