"""Guilds, their channels, overwrites and roles."""

from __future__ import annotations

from sandbox.deeds import guilds
from sandbox.errors import ApiError, bad_form, missing_permissions, too_long, unknown
from sandbox.payloads import channel_json, guild_json, role_json
from sandbox.permissions import Permission, in_guild, names, top_position
from sandbox.records import Channel, ChannelKind, Guild, Json, Overwrite, Role
from sandbox.rest.call import Call, Result, Route

_GUILD = "/guilds/{guild_id}"
_CHANNEL = "/channels/{channel_id}"
_ROLES = f"{_GUILD}/roles"
_ROLE = f"{_ROLES}/{{role_id}}"


def read_guild(call: Call) -> Result:
    guild = call.guild()
    body = guild_json(call.core.world, guild)
    if call.query.get("with_counts") in ("1", "true", "True"):
        body["approximate_member_count"] = len(guild.members)
        body["approximate_presence_count"] = len(guild.members)
    return body


def guild_channels(call: Call) -> Result:
    return [channel_json(call.core.world, c) for c in call.guild().channels.values()]


def create_channel(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_CHANNELS)
    body = call.body
    kind = int(body.get("type") or 0)
    if kind not in (ChannelKind.TEXT, ChannelKind.VOICE, ChannelKind.CATEGORY):
        raise bad_form("unsupported", "type", "BASE_TYPE_CHOICES", "Not in the sandbox.")
    channel = guilds.create_channel(
        call.core,
        guild,
        _name(body),
        ChannelKind(kind),
        parent_id=int(body["parent_id"]) if body.get("parent_id") else None,
        topic=body.get("topic"),
        user_limit=int(body.get("user_limit") or 0),
        overwrites=[_overwrite(o) for o in body.get("permission_overwrites") or []],
    )
    return channel_json(call.core.world, channel)


def read_channel(call: Call) -> Result:
    return channel_json(call.core.world, call.channel())


def edit_channel(call: Call) -> Result:
    _, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_CHANNELS)
    body = call.body
    if "name" in body:
        channel.name = _name(body)
    channel.topic = body.get("topic", channel.topic)
    channel.user_limit = int(body.get("user_limit", channel.user_limit) or 0)
    channel.slowmode_s = int(body.get("rate_limit_per_user", channel.slowmode_s) or 0)
    channel.nsfw = bool(body.get("nsfw", channel.nsfw))
    channel.position = int(body.get("position", channel.position))
    if "parent_id" in body:
        channel.parent_id = int(body["parent_id"]) if body["parent_id"] else None
    if body.get("permission_overwrites") is not None:
        call.need(channel, Permission.MANAGE_ROLES)
        listed = [_overwrite(o) for o in body["permission_overwrites"]]
        channel.overwrites = {o.target_id: o for o in listed}
    guilds.change_channel(call.core, channel)
    return channel_json(call.core.world, channel)


def delete_channel(call: Call) -> Result:
    _, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_CHANNELS)
    guilds.delete_channel(call.core, channel)
    return channel_json(call.core.world, channel)


def set_overwrite(call: Call) -> Result:
    guild, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_ROLES)
    overwrite = _overwrite(call.body | {"id": call.id("target_id")})
    mine = call.core.world.permissions(call.core.bot.id, channel)
    beyond = Permission(overwrite.allow | overwrite.deny) & ~mine
    if beyond and not in_guild(guild, guild.members[call.core.bot.id]) & Permission.ADMINISTRATOR:
        raise missing_permissions(", ".join(names(beyond)))
    channel.overwrites[overwrite.target_id] = overwrite
    guilds.change_channel(call.core, channel)
    return None


def delete_overwrite(call: Call) -> Result:
    _, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_ROLES)
    channel.overwrites.pop(call.id("target_id"), None)
    guilds.change_channel(call.core, channel)
    return None


def roles(call: Call) -> Result:
    return [role_json(r) for r in call.guild().roles.values()]


def read_role(call: Call) -> Result:
    return role_json(_role(call, call.guild()))


def create_role(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    body = call.body
    role = guilds.create_role(
        call.core,
        guild,
        str(body.get("name") or "new role"),
        int(body.get("permissions") or 0),
        mentionable=bool(body.get("mentionable")),
        colour=int(body.get("color") or 0),
        hoist=bool(body.get("hoist")),
    )
    return role_json(role)


def edit_role(call: Call) -> Result:
    guild = call.guild()
    role = _below(call, guild, _role(call, guild))
    body = call.body
    role.name = str(body.get("name") or role.name)
    role.permissions = int(body.get("permissions") or role.permissions)
    role.mentionable = bool(body.get("mentionable", role.mentionable))
    role.colour = int(body.get("color") or role.colour)
    role.hoist = bool(body.get("hoist", role.hoist))
    guilds.change_role(call.core, guild, role)
    return role_json(role)


def delete_role(call: Call) -> Result:
    guild = call.guild()
    guilds.delete_role(call.core, guild, _below(call, guild, _role(call, guild)))
    return None


def give_role(call: Call) -> Result:
    _change_roles(call, give=True)
    return None


def take_role(call: Call) -> Result:
    _change_roles(call, give=False)
    return None


def _change_roles(call: Call, *, give: bool) -> None:
    guild = call.guild()
    member = call.core.world.member(guild, call.id("user_id"))
    role = _below(call, guild, _role(call, guild))
    ids = [r for r in member.role_ids if r != role.id] + ([role.id] if give else [])
    guilds.change_member(call.core, guild, member, role_ids=ids)


def _role(call: Call, guild: Guild) -> Role:
    if role := guild.roles.get(call.id("role_id")):
        return role
    raise unknown(10011, "Role")


def _below(call: Call, guild: Guild, role: Role) -> Role:
    """The role, if the bot may touch it: MANAGE_ROLES, and it is below the bot's own."""
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    if role.position >= top_position(guild, guild.members[call.core.bot.id]):
        raise missing_permissions("role hierarchy")
    return role


def _overwrite(body: Json) -> Overwrite:
    return Overwrite(
        int(body["id"]),
        int(body.get("type") or 0) == 0,
        int(body.get("allow") or 0),
        int(body.get("deny") or 0),
    )


def _name(body: Json) -> str:
    name = str(body.get("name") or "")
    if not name:
        raise bad_form("form", "name", "BASE_TYPE_REQUIRED", "This field is required")
    if len(name) > 100:
        raise too_long("form", "name", 100)
    return name


def leave_guild(call: Call) -> Result:
    guild = call.guild()
    if guild.owner_id == call.core.bot.id:
        raise ApiError(400, 50055, "Invalid Guild", rule="guild")
    guilds.remove_bot(call.core, guild)
    return None


def own_guilds(call: Call) -> Result:
    world, bot = call.core.world, call.core.bot
    found = [guild_json(world, g, viewer_id=bot.id) for g in call.core.bot_guilds()]
    keys = ("id", "name", "icon", "banner", "features", "permissions")
    return [{k: g[k] for k in keys} | {"owner": False} for g in found]


def voice_status(call: Call) -> Result:
    _, channel = call.guild_channel()
    _voice_only(channel)
    call.need(channel, Permission.SET_VOICE_CHANNEL_STATUS)
    call.core.note("voice.status", channel=channel, status=call.body.get("status"))
    return None


def _voice_only(channel: Channel) -> None:
    if channel.kind is not ChannelKind.VOICE:
        raise ApiError(400, 50024, "Cannot execute action on this channel type", rule="channel")


ROUTES = [
    Route("GET", _GUILD, read_guild),
    Route("GET", f"{_GUILD}/channels", guild_channels),
    Route("POST", f"{_GUILD}/channels", create_channel),
    Route("GET", _CHANNEL, read_channel),
    Route("PATCH", _CHANNEL, edit_channel),
    Route("DELETE", _CHANNEL, delete_channel),
    Route("PUT", f"{_CHANNEL}/permissions/{{target_id}}", set_overwrite),
    Route("DELETE", f"{_CHANNEL}/permissions/{{target_id}}", delete_overwrite),
    Route("PUT", f"{_CHANNEL}/voice-status", voice_status),
    Route("GET", _ROLES, roles),
    Route("POST", _ROLES, create_role),
    Route("GET", _ROLE, read_role),
    Route("PATCH", _ROLE, edit_role),
    Route("DELETE", _ROLE, delete_role),
    Route("PUT", f"{_GUILD}/members/{{user_id}}/roles/{{role_id}}", give_role),
    Route("DELETE", f"{_GUILD}/members/{{user_id}}/roles/{{role_id}}", take_role),
    Route("GET", "/users/@me/guilds", own_guilds),
    Route("DELETE", "/users/@me/guilds/{guild_id}", leave_guild),
]
