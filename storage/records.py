"""What storage speaks: frozen records. Rows never leave ``storage``.

Legend: every ``*_id`` is a Discord snowflake, except ``id``, ``turn_id`` and ``persona_id``: those
are numbers of ours. ``guild_id`` 0 stands for direct messages. ``*_s`` is seconds (``at_s`` since
the epoch, UTC); ``day`` is an ISO date in UTC; tokens were counted with ``encoding``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DIRECT = 0
"""The ``guild_id`` of direct messages."""


@dataclass(frozen=True, slots=True)
class NewTurn:
    """One question and what was seen of its answer, about to be saved."""

    person_id: int
    guild_id: int
    channel_id: int
    asked: str = field(repr=False)
    answered: str = field(repr=False)
    asked_tokens: int
    answered_tokens: int
    encoding: str
    complete: bool
    at_s: float
    since_id: int = 0
    """Oldest turn that was still in the window when this one was asked; 0 when none was."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A saved turn."""

    id: int
    person_id: int
    guild_id: int
    channel_id: int
    asked: str = field(repr=False)
    answered: str = field(repr=False)
    asked_tokens: int
    answered_tokens: int
    encoding: str
    complete: bool
    pinned: bool
    at_s: float
    since_id: int

    @property
    def tokens(self) -> int:
        return self.asked_tokens + self.answered_tokens


@dataclass(frozen=True, slots=True)
class Summary:
    """What is left of turns that left the window: everything up to and with ``upto_id``."""

    text: str = field(repr=False)
    tokens: int
    encoding: str
    upto_id: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The newest turns of one memory, fetched until a budget was full."""

    epoch: int
    """Changes when the memory is cleared: a turn asked before that is not saved after it."""
    turns: tuple[Turn, ...]
    """Oldest first; may hold more than the budget by the last page fetched."""
    pinned: tuple[Turn, ...]
    """Oldest first; those older than ``turns`` too."""
    summary: Summary | None
    more: bool
    """Whether older turns exist that were not fetched."""


@dataclass(frozen=True, slots=True)
class MemoryTotals:
    turns: int
    tokens: int


class Replies(StrEnum):
    """How a person who is not in voice hears an answer."""

    OFF = "off"
    FILE = "file"
    VOICE_MESSAGE = "voice_message"


@dataclass(frozen=True, slots=True)
class Preferences:
    """How one person wants to be spoken to, everywhere. ``None``: as the server has it."""

    person_id: int
    voice: str | None = None
    speaker: str | None = None
    speed: float | None = None
    replies: Replies | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """A bundle: how Parley talks (prompt) and sounds (voice, speed, dictionary of scope PERSONA).

    ``owner_id`` 0: it belongs to the server. ``guild_id`` 0 and ``owner_id`` set: a person's own,
    for direct messages.
    """

    id: int
    guild_id: int
    owner_id: int
    name: str
    prompt: str = field(repr=False)
    voice: str | None = None
    speed: float | None = None


class DefaultFor(StrEnum):
    """What a server's default persona hangs on; the more particular wins."""

    CHANNEL = "channel"
    ROLE = "role"
    GUILD = "guild"


@dataclass(frozen=True, slots=True)
class PersonaDefault:
    guild_id: int
    kind: DefaultFor
    subject_id: int
    persona_id: int


class Scope(StrEnum):
    """Whose dictionary an entry is in; ``scope_id`` is a person, a persona, a guild, or 0."""

    PERSON = "person"
    PERSONA = "persona"
    GUILD = "guild"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """Where ``term`` is written, ``spoken`` is said."""

    scope: Scope
    scope_id: int
    term: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one person used on one day; sums of it too (then ``day`` is empty)."""

    day: str
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_counted: int = 0
    """How many of the tokens above are our own count, for want of the provider's."""
    spoken_s: float = 0.0
    answers: int = 0
    cost: float = 0.0
    """In the currency the prices are set in."""

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Limit:
    """What a role may use a day; a ``role_id`` equal to ``guild_id`` is everyone."""

    guild_id: int
    role_id: int
    tokens_per_day: int | None
    spoken_s_per_day: float | None


@dataclass(frozen=True, slots=True)
class Block:
    guild_id: int
    person_id: int
    """0 when the person asked to be forgotten since; they stay blocked."""
    by_id: int
    at_s: float


class Action(StrEnum):
    """What an audit entry says was done."""

    CLEAR_MEMORY = "clear_memory"
    CLEAR_CHANNEL = "clear_channel"
    CLEAR_GUILD = "clear_guild"
    BLOCK = "block"
    UNBLOCK = "unblock"
    SET_LIMIT = "set_limit"
    REMOVE_LIMIT = "remove_limit"
    END_SESSION = "end_session"
    SETTINGS = "settings"
    PERSONA_LOCK = "persona_lock"
    PERSONA_DEFAULT = "persona_default"
    PERSONA_SAVE = "persona_save"
    PERSONA_DELETE = "persona_delete"
    DICTIONARY = "dictionary"
    VOICE_ROLES = "voice_roles"


class Target(StrEnum):
    PERSON = "person"
    CHANNEL = "channel"
    GUILD = "guild"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, and when. Never content."""

    id: int
    guild_id: int
    actor_id: int
    """0 when that person asked to be forgotten since."""
    action: Action
    target: Target
    target_id: int
    at_s: float


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """How one server has set Parley up. ``None``: as the owner of the bot has it."""

    guild_id: int
    chat_channel_id: int | None = None
    """Where Parley answers without being mentioned; ``None``: nowhere."""
    log_channel_id: int | None = None
    moderator_role_id: int | None = None
    locale: str | None = None
    voice: str | None = None
    replies: Replies | None = None
    tools: bool = False
    summary: bool | None = None
    check_content: bool | None = None
    words_refused: tuple[str, ...] = ()
    persona_locked: bool = False
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class VoiceRoles:
    """Who may use a voice; everybody, where there is no such rule."""

    guild_id: int
    """0: a rule for every server, and for direct messages."""
    voice: str
    role_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class TrainingNote:
    """A training that is under way: whose it is, and where it is told of."""

    id: str
    person_id: int
    guild_id: int
    channel_id: int
    message_id: int
    """0 before its message is there."""
    voice: str
    locale: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands in a server."""

    settings: GuildSettings
    blocked: bool
    limited: bool
    """Whether any role has limits here."""


class Remains(StrEnum):
    """What is left in the database's files of rows that were removed."""

    NONE = "none"
    """Nothing: overwritten, and out of the write-ahead log (SQLite)."""
    SOON = "soon"
    """The write-ahead log, while a reader still looks at it: wipe again later (SQLite)."""
    FREED = "freed"
    """Unreadable through the database, and free for new rows, but not overwritten (PostgreSQL)."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a forget did."""

    rows: int
    remains: Remains
