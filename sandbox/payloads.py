"""Records as Discord's JSON (API v10): users, members, roles, channels, guilds."""

from __future__ import annotations

from datetime import datetime

from sandbox.permissions import in_guild
from sandbox.records import Channel, ChannelKind, Guild, Json, Member, Role, User, VoiceState
from sandbox.world import World


def iso(moment: datetime | None) -> str | None:
    """A timestamp as Discord writes it: microseconds and ``+00:00``."""
    return moment.isoformat(timespec="microseconds") if moment else None


def gateway_url(host: str) -> str:
    """Where the gateway is, for a client that reached us by this host name: one that resolves
    Discord's names to us gets Discord's own, another one our plain address."""
    known = host.endswith((".gg", ".com"))
    return "wss://gateway.discord.gg" if known else f"wss://{host}"


def user_json(user: User) -> Json:
    """A user as others see it."""
    return {
        "id": str(user.id),
        "username": user.name,
        "discriminator": "0000" if user.bot else "0",
        "global_name": None if user.bot else user.name,
        "avatar": None,
        "avatar_decoration_data": None,
        "bot": user.bot,
        "public_flags": 0,
    }


def own_user_json(user: User) -> Json:
    """The bot's own user, as GET /users/@me and READY give it."""
    return user_json(user) | {
        "mfa_enabled": False,
        "verified": True,
        "locale": user.locale,
        "flags": 0,
        "email": None,
    }


def member_json(world: World, member: Member, *, with_user: bool = True) -> Json:
    """A guild member, with or without the user inside."""
    body: Json = {
        "nick": member.nick,
        "avatar": None,
        "roles": [str(r) for r in member.role_ids],
        "joined_at": iso(member.joined_at),
        "premium_since": None,
        "deaf": member.deaf,
        "mute": member.mute,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": iso(member.timed_out_until),
    }
    if with_user:
        body["user"] = user_json(world.users[member.user_id])
    return body


def role_json(role: Role) -> Json:
    """A role; @everyone has the guild's id."""
    return {
        "id": str(role.id),
        "name": role.name,
        "color": role.colour,
        "colors": {"primary_color": role.colour, "secondary_color": None, "tertiary_color": None},
        "hoist": role.hoist,
        "icon": None,
        "unicode_emoji": None,
        "position": role.position,
        "permissions": str(int(role.permissions)),
        "managed": role.managed_by is not None,
        "mentionable": role.mentionable,
        "flags": 0,
        "tags": {"bot_id": str(role.managed_by)} if role.managed_by else {},
    }


def channel_json(world: World, channel: Channel) -> Json:
    """A channel of a guild, or a direct message channel as the bot sees it."""
    last = str(channel.last_message_id) if channel.last_message_id else None
    if channel.kind is ChannelKind.DM:
        people = [world.users[i] for i in channel.recipient_ids]
        return {
            "id": str(channel.id),
            "type": int(channel.kind),
            "last_message_id": last,
            "flags": 0,
            # A channel's recipients never include the one who asks.
            "recipients": [user_json(u) for u in people if not u.bot],
        }
    body: Json = {
        "id": str(channel.id),
        "type": int(channel.kind),
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "position": channel.position,
        "parent_id": str(channel.parent_id) if channel.parent_id else None,
        "nsfw": channel.nsfw,
        "flags": 0,
        "permission_overwrites": [
            {
                "id": str(o.target_id),
                "type": 0 if o.is_role else 1,
                "allow": str(int(o.allow)),
                "deny": str(int(o.deny)),
            }
            for o in channel.overwrites.values()
        ],
    }
    if channel.kind is not ChannelKind.CATEGORY:
        body |= {"last_message_id": last, "rate_limit_per_user": channel.slowmode_s}
    if channel.kind is ChannelKind.TEXT:
        body |= {"topic": channel.topic}
    if channel.kind is ChannelKind.VOICE:
        body |= {
            "bitrate": 64000,
            "user_limit": channel.user_limit,
            "rtc_region": None,
            "video_quality_mode": 1,
        }
    return body


def voice_state_json(world: World, guild: Guild, state: VoiceState) -> Json:
    """Where a member is in voice, with the member inside as the gateway sends it."""
    member = guild.members[state.user_id]
    return {
        "guild_id": str(guild.id),
        "channel_id": str(state.channel_id),
        "user_id": str(state.user_id),
        "session_id": state.session_id,
        "member": member_json(world, member),
        "deaf": member.deaf,
        "mute": member.mute,
        "self_deaf": state.self_deaf,
        "self_mute": state.self_mute,
        "self_video": False,
        "suppress": state.suppress,
        "request_to_speak_timestamp": None,
    }


def guild_json(world: World, guild: Guild, *, viewer_id: int | None = None) -> Json:
    """A guild as REST gives it; with ``viewer_id`` also their permissions in it."""
    body: Json = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(guild.owner_id),
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "nsfw": False,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": guild.locale,
        "features": [],
        "application_id": None,
        "max_members": 500000,
        "max_presences": None,
        "roles": [role_json(r) for r in guild.roles.values()],
        "emojis": [],
        "stickers": [],
    }
    if viewer_id in guild.members:
        body["permissions"] = str(int(in_guild(guild, guild.members[viewer_id])))
    return body


def guild_create_json(
    world: World, guild: Guild, *, all_members: bool, voice: bool, bot_id: int
) -> Json:
    """The GUILD_CREATE form. Without the presences intent, Discord names only the bot and the
    people in voice; the rest is asked for with op 8."""
    members = [
        m
        for m in guild.members.values()
        if all_members or m.user_id == bot_id or m.user_id in guild.voice_states
    ]
    states = [voice_state_json(world, guild, s) for s in guild.voice_states.values()]
    for state in states:
        del state["member"], state["guild_id"]
    joined = guild.members[bot_id].joined_at
    return guild_json(world, guild) | {
        "joined_at": iso(joined),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(world, m) for m in members],
        "channels": [channel_json(world, c) for c in guild.channels.values()],
        "threads": [],
        "presences": [],
        "voice_states": states if voice else [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
