"""The words of the lobby: what happens (events), must be done (effects) and is told (notices).

Legend: ``*_id`` is a Discord snowflake, 0 for none; ``*_s`` is seconds. ``process`` is the name of
a running bot. Everything is frozen. What is stored is defined in ``storage/lobby_records.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# What is stored is part of the lobby's words: `as` says that these are passed on.
from storage.lobby_records import Books as Books
from storage.lobby_records import Deed as Deed
from storage.lobby_records import Entry as Entry
from storage.lobby_records import Place as Place
from storage.lobby_records import Post as Post
from storage.lobby_records import Process as Process
from storage.lobby_records import Room as Room
from storage.lobby_records import ServerRules as ServerRules
from storage.lobby_records import Stage as Stage
from storage.lobby_records import TrailLine as TrailLine


class Why(StrEnum):
    """Why somebody was admitted, was released, or lost their place in the line."""

    ASKED = "asked"
    TURN = "turn"
    CAME = "came"
    LEFT = "left"
    """They said so."""
    GONE = "gone"
    """They left the voice channel and did not come back in time."""
    IDLE = "idle"
    CLAIM_MISSED = "claim_missed"
    OTHER_CHANNEL = "other_channel"
    """They were called and came, but into a channel where Parley is not; their place is kept."""
    MODERATOR = "moderator"
    BLOCKED = "blocked"
    KICKED = "kicked"
    """Parley was thrown out of the voice channel."""
    CHANNEL_FULL = "channel_full"
    FORBIDDEN = "forbidden"
    """Parley lacks a permission in that channel."""
    CONNECTION_FAILED = "connection_failed"
    CHANNEL_DELETED = "channel_deleted"
    GUILD_REMOVED = "guild_removed"
    MEMBER_GONE = "member_gone"
    """They were banned or kicked, or left the server."""
    AWAY = "away"
    """Parley itself was away for too long."""
    FORGOTTEN = "forgotten"


class HoldUp(StrEnum):
    """What somebody in the line waits for."""

    TURN = "turn"
    """A slot."""
    CHANNEL = "channel"
    """Parley speaks in another channel of that server."""
    SERVER_FULL = "server_full"
    BARRED = "barred"
    """Parley could not use that channel a moment ago, and will try again."""
    AWAY = "away"
    """The process that serves that server is away."""


class NoticeKind(StrEnum):
    """What a person is told. The words are the surface's."""

    STARTED = "started"
    """Their turn came while they were in a voice channel, and Parley joined: ``channel_id``."""
    CALLED = "called"
    """Their turn came: ``seconds`` to come into voice (``channel_id``, or any when 0)."""
    CLAIM_MISSED = "claim_missed"
    """They did not come in time and are out of the line."""
    OTHER_CHANNEL = "other_channel"
    """They came, but Parley speaks in ``channel_id`` of that server. They keep their place."""
    IDLE_WARNING = "idle_warning"
    """Their session ends in ``seconds`` unless they speak to Parley."""
    ENDED = "ended"
    """Their session is over: ``why``. Offer a button to queue again."""
    LINE_LOST = "line_lost"
    """They are out of the line: ``why``."""
    MOVE_OFFER = "move_offer"
    """They went to another channel (``other_id``) than their session (``channel_id``): offer to
    move there, or to come back within ``seconds``."""
    BOT_MOVED = "bot_moved"
    """Somebody moved Parley to ``channel_id``; they have ``seconds`` to follow."""
    MUTED = "muted"
    """A moderator of the server muted Parley; answers come as text."""
    UNMUTED = "unmuted"
    RESUMED = "resumed"
    """Parley is back after a restart; their session goes on."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one person; ids only."""

    kind: NoticeKind
    person_id: int
    guild_id: int
    channel_id: int
    """The voice channel it is about."""
    text_channel_id: int
    """Where they asked, so where to tell them."""
    locale: str
    seconds: float = 0.0
    why: Why | None = None
    other_id: int = 0


# --- events: what happens ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody asks for a voice session; ``channel_id`` is the voice channel they are in."""

    process: str
    person_id: int
    guild_id: int
    channel_id: int
    text_channel_id: int = 0
    locale: str = "en-US"
    role_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MoveHere:
    """Somebody with a session wants it in ``channel_id``, where they are."""

    process: str
    person_id: int
    guild_id: int
    channel_id: int
    text_channel_id: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """Take somebody out, from session or line: they leave (``by_id`` 0) or somebody ends it."""

    person_id: int
    why: Why = Why.LEFT
    by_id: int = 0


@dataclass(frozen=True, slots=True)
class Spoke:
    """Somebody spoke to Parley in this server: the only thing that counts as activity."""

    person_id: int
    guild_id: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody is now in ``channel_id`` of this server, or in none (0)."""

    person_id: int
    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class BotMoved:
    """Somebody moved Parley to ``channel_id``."""

    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class BotMuted:
    guild_id: int
    muted: bool


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """The voice connection to ``channel_id`` is over, or never came about."""

    guild_id: int
    channel_id: int
    why: Why


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class GuildRemoved:
    guild_id: int


@dataclass(frozen=True, slots=True)
class MemberGone:
    person_id: int
    guild_id: int


@dataclass(frozen=True, slots=True)
class Started:
    """A process begins its life; it does not see Discord yet."""

    process: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A process sees Discord (again): who is in which voice channel, in each server it serves."""

    process: str
    incarnation: str
    present: Mapping[int, Mapping[int, int]]
    """``{guild_id: {person_id: channel_id}}``."""


@dataclass(frozen=True, slots=True)
class Unready:
    """A process lost sight of Discord, or is about to stop."""

    process: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process that sees Discord is alive."""

    process: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time."""


@dataclass(frozen=True, slots=True)
class SetRules:
    rules: ServerRules


Event = (
    Join
    | MoveHere
    | End
    | Spoke
    | Seen
    | BotMoved
    | BotMuted
    | ConnectionEnded
    | ChannelDeleted
    | GuildRemoved
    | MemberGone
    | Started
    | Ready
    | Unready
    | Heartbeat
    | Tick
    | SetRules
)


# --- effects: what must be done ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connect:
    """Be connected to this channel (again)."""

    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Move:
    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    guild_id: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Stop what this person has in the speech queue of this server, at once."""

    guild_id: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell somebody something; ``ping``: so that they notice."""

    notice: Notice
    ping: bool = False

    @property
    def guild_id(self) -> int:
        return self.notice.guild_id


class Refusal(StrEnum):
    """Why an asking was turned down."""

    ALREADY_SPEAKING = "already_speaking"
    LINE_FULL = "line_full"
    NO_SESSION = "no_session"
    CHANNEL_BUSY = "channel_busy"
    SERVER_FULL = "server_full"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The asking changed nothing. ``guild_id`` and ``channel_id`` say where the obstacle is."""

    refusal: Refusal
    person_id: int
    guild_id: int = 0
    channel_id: int = 0


Deeds = Connect | Move | Disconnect | Silence | Tell
"""Effects that the process serving ``guild_id`` performs."""
Effect = Deeds | Refuse | TrailLine


# --- views: what is shown ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one person stands now. ``stage`` None: nowhere."""

    person_id: int
    stage: Stage | None
    guild_id: int = 0
    channel_id: int = 0
    position: int = 0
    """In the line, from 1; 0 outside of it."""
    hold_up: HoldUp | None = None
    wait_s: float | None = None
    """Estimated from recent sessions; None when nothing is known."""
    seconds_left: float = 0.0
    """To come (called) or to come back (grace)."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """One slot in use. In stage ``CALLED`` it is kept for somebody who is coming."""

    person_id: int
    guild_id: int
    channel_id: int
    stage: Stage
    for_s: float


@dataclass(frozen=True, slots=True)
class View:
    """The lobby, to be shown."""

    slots: int
    speaking: tuple[Speaking, ...]
    line: tuple[Standing, ...]
    """In order."""
    you: Standing
    version: int
    """Differs when anything changed."""
