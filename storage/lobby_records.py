"""What is remembered of the lobby: who waits, who speaks, where, and every admission and release.

Legend: ``*_id`` is a Discord snowflake, 0 for none. ``*_s`` is seconds of the lobby's clock, which
is the database's clock with its jumps taken out (``lobby/clock.py``); 0.0 for "not".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a person stands. Somebody with no ``Place`` at all is absent."""

    WAITING = "waiting"
    CALLED = "called"
    """A slot is kept for them until ``deadline_s``; they are in no voice channel yet."""
    HELD = "held"
    """They have a session: the only stage in which Parley speaks for them."""
    GRACE = "grace"
    """They left the channel of their session and may come back until ``deadline_s``."""


@dataclass(frozen=True, slots=True)
class Place:
    """One person in the lobby: in the line, or with a slot."""

    person_id: int
    guild_id: int
    channel_id: int
    """The voice channel of the session or, in the line, the one they were last seen in."""
    present_id: int
    """The voice channel of this server they are in now."""
    text_channel_id: int
    """Where they asked: where they are told things."""
    locale: str
    ticket: int
    """Numbers the askings across all servers: the order of the line."""
    priority: bool
    stage: Stage
    asked_s: float
    since_s: float
    """When this stage began; for ``GRACE``, when the session began."""
    active_s: float
    """When they last spoke to Parley."""
    warned_s: float
    """When they were warned of being idle."""
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Room:
    """One server: who serves it, and what keeps people from being served there."""

    guild_id: int
    process: str
    muted: bool
    barred_id: int
    """A voice channel that could not be used a moment ago; not tried before ``barred_until_s``."""
    barred_until_s: float


@dataclass(frozen=True, slots=True)
class Process:
    """One running bot. Its people keep their slots until ``gone_s``, which heartbeats move on."""

    name: str
    incarnation: str
    """Differs each time the process starts: an older one of the same name is fenced off."""
    down_s: float
    """Since when it has not been able to see Discord; 0.0 while it can."""
    gone_s: float
    starting: bool
    """It was started, and has not yet seen Discord since."""


@dataclass(frozen=True, slots=True)
class ServerRules:
    """What the moderators of one server decided; 0 leaves the operator's setting."""

    guild_id: int
    seats: int = 0
    """Most sessions at once in this server."""
    reserved: int = 0
    """How many of those only people with a priority role get."""
    idle_s: float = 0.0
    priority_roles: tuple[int, ...] = ()
    """Their members go first among the people of this server; never ahead of other servers."""


class Deed(StrEnum):
    """What a line of the audit trail says happened."""

    QUEUED = "queued"
    CALLED = "called"
    ADMITTED = "admitted"
    MOVED = "moved"
    RELEASED = "released"
    """A slot came free: after ``ADMITTED``, or after ``CALLED`` when the person never came."""
    LEFT_LINE = "left_line"


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One line of the audit trail: who, when, why. Written with the change it tells of."""

    person_id: int
    guild_id: int
    channel_id: int
    deed: Deed
    why: str
    by_id: int
    ticket: int
    at_s: float
    held_s: float
    """For ``RELEASED``: how long the session lasted; 0.0 when the person never came."""
    process: str
    """Which process decided it."""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """An effect that waits for the process that must perform it; ``body`` is JSON of ``lobby``."""

    process: str
    person_id: int
    """Whom it is about; 0 for nobody."""
    at_s: float
    body: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """The whole lobby, as one transaction sees it."""

    places: Mapping[int, Place]
    rooms: Mapping[int, Room]
    processes: Mapping[str, Process]
    rules: Mapping[int, ServerRules]
    next_ticket: int
    version: int
    """Grows with every change."""
    seen_s: float
    """What the database's clock said in the last transaction; 0.0 before the first."""
    skew_s: float
    """Add to the database's clock for the lobby's clock."""


@dataclass(frozen=True, slots=True)
class Change:
    """The lobby was changed by some process."""

    version: int
    posts: bool
    """Whether effects wait for the process that listens."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a decision writes: the new books, lines for the trail, effects for others."""

    books: Books
    trail: tuple[TrailLine, ...] = ()
    posts: tuple[Post, ...] = ()
