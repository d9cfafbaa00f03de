"""Users, direct messages, members, bans and voice states."""

from __future__ import annotations

from datetime import datetime
from types import EllipsisType

from sandbox.deeds import guilds
from sandbox.deeds.voice import cannot_join, leave_voice, move_voice
from sandbox.errors import ApiError, missing_permissions, too_long, unknown
from sandbox.payloads import (
    channel_json,
    member_json,
    own_user_json,
    user_json,
    voice_state_json,
)
from sandbox.permissions import Permission, top_position
from sandbox.records import ChannelKind, Guild, Json, Member
from sandbox.rest.call import Call, Result, Route

_GUILD = "/guilds/{guild_id}"
_MEMBER = f"{_GUILD}/members/{{user_id}}"


def read_self(call: Call) -> Result:
    return own_user_json(call.core.bot)


def edit_self(call: Call) -> Result:
    name = str(call.body.get("username") or call.core.bot.name)
    if len(name) > 32:
        raise too_long("form", "username", 32)
    call.core.bot.name = name
    body = own_user_json(call.core.bot)
    call.core.gateway.dispatch("USER_UPDATE", body)
    return body


def read_user(call: Call) -> Result:
    return user_json(call.core.world.user(call.id("user_id")))


def open_direct(call: Call) -> Result:
    user = call.core.world.user(int(call.body.get("recipient_id") or 0))
    if user.id == call.core.bot.id:
        raise ApiError(400, 50007, "Cannot send messages to this user", rule="direct-message")
    return channel_json(call.core.world, call.core.world.direct_channel(call.core.bot.id, user.id))


def members(call: Call) -> Result:
    guild = call.guild()
    if not call.core.rules.privileged_intents:
        raise ApiError(403, 50001, "Missing Access", rule="intents")
    after = int(call.query.get("after", 0))
    found = [m for i, m in sorted(guild.members.items()) if i > after]
    return [member_json(call.core.world, m) for m in found[: call.limit(1, 1000)]]


def search(call: Call) -> Result:
    guild, world = call.guild(), call.core.world
    query = call.query.get("query", "").lower()
    found = [
        m
        for m in guild.members.values()
        if (m.nick or "").lower().startswith(query)
        or world.users[m.user_id].name.lower().startswith(query)
    ]
    return [member_json(world, m) for m in found[: call.limit(1, 1000)]]


def read_member(call: Call) -> Result:
    return member_json(call.core.world, _member(call, call.guild()))


def edit_member(call: Call) -> Result:
    guild = call.guild()
    member = _member(call, guild)
    body = call.body
    _check_rights(call, guild, member, body)
    guilds.change_member(
        call.core,
        guild,
        member,
        nick=(body["nick"] or "") if "nick" in body else None,
        mute=body.get("mute"),
        deaf=body.get("deaf"),
        role_ids=[int(r) for r in body["roles"]] if body.get("roles") is not None else None,
        timed_out_until=_time_out(body),
    )
    if "channel_id" in body:
        _move(call, guild, member, body["channel_id"])
    return member_json(call.core.world, member)


def _time_out(body: Json) -> datetime | EllipsisType | None:
    """Until when; null ends it, and where the key is absent nothing changes."""
    until = body.get("communication_disabled_until", ...)
    return datetime.fromisoformat(until) if isinstance(until, str) else until


def _check_rights(call: Call, guild: Guild, member: Member, body: Json) -> None:
    own = member.user_id == call.core.bot.id
    rights = {
        "nick": Permission.CHANGE_NICKNAME if own else Permission.MANAGE_NICKNAMES,
        "mute": Permission.MUTE_MEMBERS,
        "deaf": Permission.DEAFEN_MEMBERS,
        "roles": Permission.MANAGE_ROLES,
        "communication_disabled_until": Permission.MODERATE_MEMBERS,
        "channel_id": Permission.MOVE_MEMBERS,
    }
    for key, permission in rights.items():
        if key in body:
            call.need_in_guild(guild, permission)
    if {"nick", "roles", "communication_disabled_until"} & set(body) and not own:
        _outranks(call, guild, member)
    if {"mute", "deaf", "channel_id"} & set(body) and member.user_id not in guild.voice_states:
        raise ApiError(400, 40032, "Target user is not connected to voice.")


def _move(call: Call, guild: Guild, member: Member, channel_id: str | None) -> None:
    if channel_id is None:
        leave_voice(call.core, guild, member.user_id)
        return
    channel = guild.channels.get(int(channel_id))
    if channel is None or channel.kind is not ChannelKind.VOICE:
        raise unknown(10003, "Channel")
    if cannot_join(call.core, guild, channel, call.core.bot.id):
        raise missing_permissions("to connect there")
    move_voice(call.core, guild, member.user_id, channel)


def _outranks(call: Call, guild: Guild, member: Member) -> None:
    mine = top_position(guild, guild.members[call.core.bot.id])
    if top_position(guild, member) >= mine:
        raise missing_permissions("role hierarchy")


def kick(call: Call) -> Result:
    guild = call.guild()
    member = _member(call, guild)
    call.need_in_guild(guild, Permission.KICK_MEMBERS)
    _outranks(call, guild, member)
    guilds.remove_member(call.core, guild, member.user_id)
    return None


def ban(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.BAN_MEMBERS)
    user = call.core.world.user(call.id("user_id"))
    if member := guild.members.get(user.id):
        _outranks(call, guild, member)
    guilds.remove_member(call.core, guild, user.id, ban=call.reason or "")
    return None


def unban(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.BAN_MEMBERS)
    guilds.lift_ban(call.core, guild, _banned(call, guild))
    return None


def bans(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.BAN_MEMBERS)
    return [_ban_json(call, guild, i) for i in guild.bans]


def read_ban(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.BAN_MEMBERS)
    return _ban_json(call, guild, _banned(call, guild))


def _banned(call: Call, guild: Guild) -> int:
    user_id = call.id("user_id")
    if user_id not in guild.bans:
        raise unknown(10026, "Ban")
    return user_id


def _ban_json(call: Call, guild: Guild, user_id: int) -> Json:
    return {"reason": guild.bans[user_id], "user": user_json(call.core.world.user(user_id))}


def voice_state(call: Call) -> Result:
    guild = call.guild()
    state = guild.voice_states.get(call.id("user_id"))
    if state is None:
        raise unknown(10065, "Voice State")
    return voice_state_json(call.core.world, guild, state)


def _member(call: Call, guild: Guild) -> Member:
    return call.core.world.member(guild, call.id("user_id"))


ROUTES = [
    Route("GET", "/users/@me", read_self),
    Route("PATCH", "/users/@me", edit_self),
    Route("POST", "/users/@me/channels", open_direct),
    Route("GET", "/users/{user_id}", read_user),
    Route("GET", f"{_GUILD}/members", members),
    Route("GET", f"{_GUILD}/members/search", search),
    Route("GET", _MEMBER, read_member),
    Route("PATCH", _MEMBER, edit_member),
    Route("DELETE", _MEMBER, kick),
    Route("GET", f"{_GUILD}/bans", bans),
    Route("GET", f"{_GUILD}/bans/{{user_id}}", read_ban),
    Route("PUT", f"{_GUILD}/bans/{{user_id}}", ban),
    Route("DELETE", f"{_GUILD}/bans/{{user_id}}", unban),
    Route("GET", f"{_GUILD}/voice-states/{{user_id}}", voice_state),
]
