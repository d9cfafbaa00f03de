"""Permissions, computed as Discord documents them (Topics > Permissions).

Base: the owner has everything; otherwise @everyone and every role together, and
ADMINISTRATOR means everything. In a channel: @everyone's overwrite, then all role
overwrites together (denials first), then the member's own. Some permissions imply
the loss of others: without VIEW_CHANNEL nothing is left.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntFlag

from sandbox.records import Channel, ChannelKind, Guild, Member


class Permission(IntFlag):
    """Discord's permission bits."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    USE_SOUNDBOARD = 1 << 42
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SET_VOICE_CHANNEL_STATUS = 1 << 48
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


P = Permission
ALL = P(sum(P))
NONE = P(0)

EVERYONE = (
    P.CREATE_INSTANT_INVITE
    | P.ADD_REACTIONS
    | P.STREAM
    | P.VIEW_CHANNEL
    | P.SEND_MESSAGES
    | P.EMBED_LINKS
    | P.ATTACH_FILES
    | P.READ_MESSAGE_HISTORY
    | P.USE_EXTERNAL_EMOJIS
    | P.CONNECT
    | P.SPEAK
    | P.USE_VAD
    | P.CHANGE_NICKNAME
    | P.USE_APPLICATION_COMMANDS
    | P.CREATE_PUBLIC_THREADS
    | P.SEND_MESSAGES_IN_THREADS
    | P.USE_EMBEDDED_ACTIVITIES
    | P.USE_SOUNDBOARD
    | P.SEND_VOICE_MESSAGES
    | P.SEND_POLLS
)
"""What @everyone may do in a new server."""

DIRECT = EVERYONE & ~(P.CREATE_INSTANT_INVITE | P.CHANGE_NICKNAME)
"""What both sides may do in a direct message."""

MODERATOR = (
    P.KICK_MEMBERS
    | P.BAN_MEMBERS
    | P.MANAGE_MESSAGES
    | P.MUTE_MEMBERS
    | P.DEAFEN_MEMBERS
    | P.MOVE_MEMBERS
    | P.MODERATE_MEMBERS
    | P.VIEW_AUDIT_LOG
)
"""A usual moderator's role, on top of @everyone."""

_WHILE_TIMED_OUT = P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY
_NEED_SEND = P.MENTION_EVERYONE | P.SEND_TTS_MESSAGES | P.ATTACH_FILES | P.EMBED_LINKS


def in_guild(guild: Guild, member: Member) -> Permission:
    """The member's permissions before any channel's overwrites."""
    if guild.owner_id == member.user_id:
        return ALL
    bits = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        if role := guild.roles.get(role_id):
            bits |= role.permissions
    return ALL if bits & P.ADMINISTRATOR else P(bits)


def in_channel(guild: Guild, member: Member, channel: Channel, now: datetime) -> Permission:
    """The member's permissions in one of the guild's channels at the sandbox's time ``now``."""
    base = in_guild(guild, member)
    if base & P.ADMINISTRATOR:
        return ALL
    bits = int(base)
    if everyone := channel.overwrites.get(guild.id):
        bits = bits & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role_id in member.role_ids:
        if overwrite := channel.overwrites.get(role_id):
            allow |= overwrite.allow
            deny |= overwrite.deny
    bits = bits & ~deny | allow
    if own := channel.overwrites.get(member.user_id):
        bits = bits & ~own.deny | own.allow
    return _implied(P(bits), member, channel, now)


def _implied(bits: Permission, member: Member, channel: Channel, now: datetime) -> Permission:
    """Take away what a missing permission takes with it."""
    if not bits & P.VIEW_CHANNEL:
        return NONE
    if channel.kind is ChannelKind.VOICE and not bits & P.CONNECT:
        return P.VIEW_CHANNEL
    if not bits & P.SEND_MESSAGES:
        bits &= ~_NEED_SEND
    if member.timed_out_until and member.timed_out_until > now:
        bits &= _WHILE_TIMED_OUT
    return bits


def top_position(guild: Guild, member: Member) -> int:
    """The position of the member's highest role; moderators act only on those below them."""
    if guild.owner_id == member.user_id:
        return 1 << 30
    return max((guild.roles[r].position for r in member.role_ids if r in guild.roles), default=0)


def names(bits: int) -> list[str]:
    """Readable names of the bits, for messages of refusal."""
    return [p.name or str(p.value) for p in P if bits & p]
