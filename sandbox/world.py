"""The state of the sandbox's Discord: containers, lookups and permissions; no sockets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.clock import Clock
from sandbox.errors import unknown
from sandbox.permissions import DIRECT, NONE, Permission, in_channel
from sandbox.records import (
    Attachment,
    Channel,
    ChannelKind,
    Command,
    Guild,
    Interaction,
    Member,
    Message,
    User,
    Webhook,
)

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


class Snowflakes:
    """Discord's ids: 42 bits of milliseconds since 2015, 22 bits that keep them apart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """An id for now, larger than every id before."""
        elapsed_ms = int((self._clock.utc() - EPOCH).total_seconds() * 1000)
        self._last = max(elapsed_ms << 22, self._last + 1)
        return self._last


@dataclass
class World:
    """All records by id."""

    clock: Clock
    ids: Snowflakes
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    messages: dict[int, dict[int, Message]] = field(default_factory=dict)
    attachments: dict[int, Attachment] = field(default_factory=dict)
    commands: dict[int, Command] = field(default_factory=dict)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    interactions: dict[int, Interaction] = field(default_factory=dict)

    def user(self, user_id: int) -> User:
        """Raises ApiError 10013."""
        if user := self.users.get(user_id):
            return user
        raise unknown(10013, "User")

    def guild(self, guild_id: int) -> Guild:
        """Raises ApiError 10004."""
        if guild := self.guilds.get(guild_id):
            return guild
        raise unknown(10004, "Guild")

    def channel(self, channel_id: int) -> Channel:
        """Raises ApiError 10003."""
        if channel := self.channels.get(channel_id):
            return channel
        raise unknown(10003, "Channel")

    def member(self, guild: Guild, user_id: int) -> Member:
        """Raises ApiError 10007 (or 10013 for someone who does not exist at all)."""
        if member := guild.members.get(user_id):
            return member
        self.user(user_id)
        raise unknown(10007, "Member")

    def message(self, channel_id: int, message_id: int) -> Message:
        """A message that still exists. Raises ApiError 10008."""
        message = self.messages.get(channel_id, {}).get(message_id)
        if message is None or message.deleted:
            raise unknown(10008, "Message")
        return message

    def guild_of(self, channel: Channel) -> Guild | None:
        """The channel's guild; None for direct messages."""
        return self.guilds.get(channel.guild_id) if channel.guild_id else None

    def in_channel(self, channel_id: int) -> Iterable[Message]:
        """The channel's messages that still exist, oldest first."""
        return (m for m in self.messages.get(channel_id, {}).values() if not m.deleted)

    def permissions(self, user_id: int, channel: Channel) -> Permission:
        """What the user may do in the channel; nothing for strangers."""
        if channel.kind is ChannelKind.DM:
            return DIRECT if user_id in channel.recipient_ids else NONE
        guild = self.guild_of(channel)
        member = guild.members.get(user_id) if guild else None
        if guild is None or member is None:
            return NONE
        return in_channel(guild, member, channel, self.clock.utc())

    def direct_channel(self, one_id: int, other_id: int) -> Channel:
        """The direct message channel of two users, made on first use."""
        pair = {one_id, other_id}
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and set(channel.recipient_ids) == pair:
                return channel
        channel = Channel(self.ids.next(), ChannelKind.DM, recipient_ids=(one_id, other_id))
        self.channels[channel.id] = channel
        return channel

    def share_guild(self, one_id: int, other_id: int) -> bool:
        """Whether two users have a guild in common."""
        return any(one_id in g.members and other_id in g.members for g in self.guilds.values())
