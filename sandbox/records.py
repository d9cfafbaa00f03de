"""What exists in the sandbox: plain mutable records, compared by identity.

Ids are Discord snowflakes as ``int``. Times named ``*_s`` are ``Clock.now_s()``.
``Json`` is a decoded JSON object exactly as Discord's API shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]


class ChannelKind(IntEnum):
    """Discord's channel types that the sandbox has."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4


class MessageFlag(IntFlag):
    """Discord's message flags that clients set or read."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    VOICE_MESSAGE = 1 << 13
    COMPONENTS_V2 = 1 << 15


class InteractionKind(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


@dataclass(eq=False)
class User:
    """An account. ``dms_open`` False makes direct messages from the bot fail (50007)."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    dms_open: bool = True


@dataclass(eq=False)
class Role:
    """A guild's role. The role whose id is the guild's is @everyone."""

    id: int
    guild_id: int
    name: str
    permissions: int
    position: int
    mentionable: bool = False
    managed_by: int | None = None
    colour: int = 0
    hoist: bool = False


@dataclass
class Overwrite:
    """A channel's exception for one role or member: bits taken away, then bits given."""

    target_id: int
    is_role: bool
    allow: int = 0
    deny: int = 0


@dataclass(eq=False)
class Channel:
    """A guild's channel, or a direct message channel (then ``recipient_ids`` is set)."""

    id: int
    kind: ChannelKind
    name: str = ""
    guild_id: int | None = None
    position: int = 0
    parent_id: int | None = None
    topic: str | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipient_ids: tuple[int, ...] = ()
    last_message_id: int | None = None
    user_limit: int = 0
    slowmode_s: int = 0
    nsfw: bool = False


@dataclass(eq=False)
class Member:
    """A user in a guild; ``deaf`` and ``mute`` are the moderators' switches, not their own."""

    user_id: int
    guild_id: int
    joined_at: datetime
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None
    deaf: bool = False
    mute: bool = False
    timed_out_until: datetime | None = None


@dataclass(eq=False)
class VoiceState:
    """Where a user is in voice."""

    user_id: int
    guild_id: int
    channel_id: int
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    suppress: bool = False
    """Nobody hears them: they had no SPEAK when they came into the channel."""


@dataclass(eq=False)
class Guild:
    """A server ("guild" in Discord's API)."""

    id: int
    name: str
    owner_id: int
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    voice_states: dict[int, VoiceState] = field(default_factory=dict)
    bans: dict[int, str | None] = field(default_factory=dict)
    unavailable: bool = False


@dataclass(eq=False)
class Attachment:
    """An uploaded file, as it is kept by the CDN."""

    id: int
    channel_id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    description: str | None = None
    duration_s: float | None = None
    waveform: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False


@dataclass(eq=False)
class Version:
    """What a message looked like from ``at_s`` on."""

    at_s: float
    content: str
    embeds: list[Json]
    components: list[Json]
    attachments: list[Attachment]


@dataclass(eq=False)
class Message:
    """A message and everything it has been.

    ``visible_to`` is the one user who sees it (an ephemeral message), else None.
    ``pinged`` holds the users who were notified when it was first sent.
    """

    id: int
    channel_id: int
    guild_id: int | None
    author_id: int
    created_s: float
    created_at: datetime
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    kind: int = 0
    tts: bool = False
    nonce: str | int | None = None
    visible_to: int | None = None
    mention_ids: list[int] = field(default_factory=list)
    mention_role_ids: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    pinged: frozenset[int] = frozenset()
    reactions: dict[str, list[int]] = field(default_factory=dict)
    reply_to: int | None = None
    pinned: bool = False
    webhook_id: int | None = None
    webhook_name: str | None = None
    interaction: Interaction | None = None
    versions: list[Version] = field(default_factory=list)
    """As first sent, then one for each edit."""
    edited_at: datetime | None = None
    deleted_s: float | None = None

    @property
    def ephemeral(self) -> bool:
        """Whether only one member sees it."""
        return self.visible_to is not None

    @property
    def loading(self) -> bool:
        """Whether it is the "thinking..." of a deferred answer."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def deleted(self) -> bool:
        """Whether it is gone."""
        return self.deleted_s is not None


@dataclass(eq=False)
class Command:
    """An application command as registered; ``shape`` is Discord's JSON without ids."""

    id: int
    guild_id: int | None
    kind: int
    name: str
    shape: Json
    version: int
    overrides: dict[int, dict[int, bool]] = field(default_factory=dict)
    """guild id -> {role, member or channel id -> allowed}, as set in the server's settings."""


@dataclass(eq=False)
class Webhook:
    """An incoming webhook of a channel."""

    id: int
    channel_id: int
    guild_id: int
    token: str
    name: str
    creator_id: int


@dataclass(eq=False)
class Interaction:
    """A command, a press, a choice, a modal or a completion, and what the bot answered.

    ``answer_kind`` is the callback type of the first answer (4, 5, 6, 7, 8, 9), and None until
    then. ``original`` is the message of that answer, ``messages`` all that came after it.
    """

    id: int
    token: str
    kind: InteractionKind
    user_id: int
    channel_id: int
    guild_id: int | None
    data: Json
    summary: str
    created_s: float
    created_at: datetime
    payload: Json = field(default_factory=dict, repr=False)
    message: Message | None = None
    """The message whose component was used."""
    parent: Interaction | None = None
    """The interaction whose modal this submits."""
    delivered_s: float | None = None
    answered_s: float | None = None
    answer_kind: int | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] | None = None
    failed: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the bot has answered in any way."""
        return self.answer_kind is not None

    @property
    def messages(self) -> list[Message]:
        """The answer and its follow-ups that still exist, oldest first."""
        first = [self.original] if self.original and self.answer_kind in (4, 5) else []
        return [m for m in [*first, *self.followups] if not m.deleted]
