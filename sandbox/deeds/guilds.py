"""Guilds, their roles, channels and members: made, changed, removed."""

from __future__ import annotations

from datetime import datetime
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from sandbox.deeds.voice import announce_voice, leave_voice
from sandbox.gateway import Intent
from sandbox.payloads import channel_json, member_json, role_json, user_json
from sandbox.permissions import EVERYONE, Permission
from sandbox.records import Channel, ChannelKind, Guild, Json, Member, Overwrite, Role

if TYPE_CHECKING:
    from sandbox.core import Core

BOT_PERMISSIONS = (
    EVERYONE | Permission.MANAGE_MESSAGES | Permission.MOVE_MEMBERS | Permission.PRIORITY_SPEAKER
)
"""What the invite of a talking bot usually asks for."""


def create_guild(core: Core, name: str, owner_id: int) -> Guild:
    """A guild with @everyone and its owner."""
    guild = Guild(core.world.ids.next(), name, owner_id)
    guild.roles[guild.id] = Role(guild.id, guild.id, "@everyone", EVERYONE, 0)
    core.world.guilds[guild.id] = guild
    add_member(core, guild, owner_id)
    core.note("guild.create", guild=guild)
    return guild


def invite_bot(core: Core, guild: Guild, permissions: Permission = BOT_PERMISSIONS) -> Member:
    """The bot joins with a role of its own. The gateway sends GUILD_CREATE."""
    role = Role(
        core.world.ids.next(),
        guild.id,
        core.bot.name,
        permissions,
        position=len(guild.roles),
        managed_by=core.bot.id,
    )
    guild.roles[role.id] = role
    member = Member(core.bot.id, guild.id, core.clock.utc(), [role.id])
    guild.members[core.bot.id] = member
    send_guild(core, guild)
    core.note("guild.join", guild=guild, user_id=core.bot.id)
    return member


def send_guild(core: Core, guild: Guild, *, again: bool = False) -> None:
    """GUILD_CREATE: for a guild just joined, or (``again``) one whose outage is over."""

    def body(session: Any) -> Json:
        full = core.gateway.guild_create(session, guild)
        if not again:
            # A client tells joining from coming back by this key (discord.py's guild_join).
            del full["unavailable"]
        return full

    core.gateway.dispatch("GUILD_CREATE", body, need=Intent.GUILDS, guild_id=guild.id)


def remove_bot(core: Core, guild: Guild) -> None:
    """The bot is kicked, banned, or leaves: voice ends, then GUILD_DELETE."""
    leave_voice(core, guild, core.bot.id)
    core.gateway.dispatch(
        "GUILD_DELETE", {"id": str(guild.id)}, need=Intent.GUILDS, guild_id=guild.id
    )
    member = guild.members.pop(core.bot.id)
    for role_id in member.role_ids:
        if guild.roles.get(role_id) and guild.roles[role_id].managed_by:
            del guild.roles[role_id]
    core.note("guild.leave", guild=guild, user_id=core.bot.id)


def set_outage(core: Core, guild: Guild, unavailable: bool) -> None:
    """A guild's server is down (GUILD_DELETE with ``unavailable``), or up again."""
    if unavailable and not guild.unavailable:
        leave_voice(core, guild, core.bot.id)
        body = {"id": str(guild.id), "unavailable": True}
        core.gateway.dispatch("GUILD_DELETE", body, need=Intent.GUILDS, guild_id=guild.id)
        guild.unavailable = True
    elif guild.unavailable and not unavailable:
        guild.unavailable = False
        send_guild(core, guild, again=True)
    core.note("guild.outage", guild=guild, unavailable=unavailable)


def add_member(core: Core, guild: Guild, user_id: int, role_ids: list[int] | None = None) -> Member:
    """Someone joins."""
    member = Member(user_id, guild.id, core.clock.utc(), list(role_ids or []))
    guild.members[user_id] = member
    core.gateway.dispatch(
        "GUILD_MEMBER_ADD",
        member_json(core.world, member) | {"guild_id": str(guild.id)},
        need=Intent.GUILD_MEMBERS,
        guild_id=guild.id,
    )
    core.note("member.join", guild=guild, user_id=user_id)
    return member


def remove_member(core: Core, guild: Guild, user_id: int, *, ban: str | None = None) -> None:
    """Someone leaves, is kicked, or is banned (``ban`` is the reason)."""
    if ban is not None:
        guild.bans[user_id] = ban
    if user_id == core.bot.id:
        remove_bot(core, guild)
        return
    user = user_json(core.world.user(user_id))
    if ban is not None:
        core.gateway.dispatch(
            "GUILD_BAN_ADD",
            {"guild_id": str(guild.id), "user": user},
            need=Intent.GUILD_MODERATION,
            guild_id=guild.id,
        )
    if user_id not in guild.members:
        return
    leave_voice(core, guild, user_id)
    del guild.members[user_id]
    core.gateway.dispatch(
        "GUILD_MEMBER_REMOVE",
        {"guild_id": str(guild.id), "user": user},
        need=Intent.GUILD_MEMBERS,
        guild_id=guild.id,
    )
    core.note("member.leave", guild=guild, user_id=user_id, banned=ban is not None)


def lift_ban(core: Core, guild: Guild, user_id: int) -> None:
    """Unban."""
    del guild.bans[user_id]
    core.gateway.dispatch(
        "GUILD_BAN_REMOVE",
        {"guild_id": str(guild.id), "user": user_json(core.world.user(user_id))},
        need=Intent.GUILD_MODERATION,
        guild_id=guild.id,
    )


def change_member(
    core: Core,
    guild: Guild,
    member: Member,
    *,
    role_ids: list[int] | None = None,
    nick: str | None = None,
    mute: bool | None = None,
    deaf: bool | None = None,
    timed_out_until: datetime | EllipsisType | None = ...,
) -> None:
    """Change what is given; an empty ``nick`` removes the nickname, None ends a time-out.

    A change of mute or deaf also sends the voice state, where there is one.
    """
    if role_ids is not None:
        member.role_ids = role_ids
    if nick is not None:
        member.nick = nick or None
    if not isinstance(timed_out_until, EllipsisType):
        member.timed_out_until = timed_out_until
    switched = (mute is not None and mute != member.mute) or (
        deaf is not None and deaf != member.deaf
    )
    member.mute = member.mute if mute is None else mute
    member.deaf = member.deaf if deaf is None else deaf
    core.gateway.dispatch(
        "GUILD_MEMBER_UPDATE",
        member_json(core.world, member) | {"guild_id": str(guild.id)},
        # A bot always hears about its own member.
        need=Intent.GUILDS if member.user_id == core.bot.id else Intent.GUILD_MEMBERS,
        guild_id=guild.id,
    )
    core.note("member.update", guild=guild, user_id=member.user_id)
    if switched and member.user_id in guild.voice_states:
        announce_voice(core, guild, member.user_id)


def create_role(
    core: Core,
    guild: Guild,
    name: str,
    permissions: int = 0,
    *,
    mentionable: bool = False,
    colour: int = 0,
    hoist: bool = False,
) -> Role:
    """A new role above the ones that exist."""
    role = Role(
        core.world.ids.next(),
        guild.id,
        name,
        permissions,
        position=len(guild.roles),
        mentionable=mentionable,
        colour=colour,
        hoist=hoist,
    )
    guild.roles[role.id] = role
    _role_event(core, guild, role, "GUILD_ROLE_CREATE")
    return role


def change_role(core: Core, guild: Guild, role: Role) -> None:
    """Tell everyone that a role changed."""
    _role_event(core, guild, role, "GUILD_ROLE_UPDATE")


def delete_role(core: Core, guild: Guild, role: Role) -> None:
    """Delete a role and take it from its members."""
    del guild.roles[role.id]
    for member in guild.members.values():
        if role.id in member.role_ids:
            member.role_ids.remove(role.id)
    core.gateway.dispatch(
        "GUILD_ROLE_DELETE",
        {"guild_id": str(guild.id), "role_id": str(role.id)},
        need=Intent.GUILDS,
        guild_id=guild.id,
    )
    core.note("role.delete", guild=guild, role=role)


def create_channel(
    core: Core,
    guild: Guild,
    name: str,
    kind: ChannelKind,
    *,
    parent_id: int | None = None,
    topic: str | None = None,
    user_limit: int = 0,
    overwrites: list[Overwrite] | None = None,
) -> Channel:
    """A new channel at the bottom of the list."""
    channel = Channel(
        core.world.ids.next(),
        kind,
        name,
        guild.id,
        position=len(guild.channels),
        parent_id=parent_id,
        topic=topic,
        user_limit=user_limit,
        overwrites={o.target_id: o for o in overwrites or []},
    )
    guild.channels[channel.id] = channel
    core.world.channels[channel.id] = channel
    _channel_event(core, channel, "CHANNEL_CREATE")
    return channel


def change_channel(core: Core, channel: Channel) -> None:
    """Tell everyone that a channel changed."""
    _channel_event(core, channel, "CHANNEL_UPDATE")


def delete_channel(core: Core, channel: Channel) -> None:
    """Delete a channel; who was in voice there is thrown out."""
    guild = core.world.guilds[channel.guild_id or 0]
    for state in list(guild.voice_states.values()):
        if state.channel_id == channel.id:
            leave_voice(core, guild, state.user_id)
    del guild.channels[channel.id]
    del core.world.channels[channel.id]
    _channel_event(core, channel, "CHANNEL_DELETE")


def _role_event(core: Core, guild: Guild, role: Role, name: str) -> None:
    core.gateway.dispatch(
        name,
        {"guild_id": str(guild.id), "role": role_json(role)},
        need=Intent.GUILDS,
        guild_id=guild.id,
    )
    core.note(name.removeprefix("GUILD_").lower().replace("_", "."), guild=guild, role=role)


def _channel_event(core: Core, channel: Channel, name: str) -> None:
    core.gateway.dispatch(
        name, channel_json(core.world, channel), need=Intent.GUILDS, guild_id=channel.guild_id
    )
    core.note(name.lower().replace("_", "."), channel=channel)
