"""Voice as the gateway sees it: who is where, and the tickets to the voice server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sandbox.gateway import Intent, Session
from sandbox.payloads import voice_state_json
from sandbox.permissions import Permission
from sandbox.ports import VoiceTicket
from sandbox.records import Channel, ChannelKind, Guild, Json, VoiceState

if TYPE_CHECKING:
    from sandbox.core import Core


def bot_voice_request(core: Core, session: Session, data: Json) -> None:
    """Op 4 from the bot: join, move, leave, or change its own switches.

    Discord answers what it does not allow with silence; the sandbox records it.
    """
    guild = core.world.guilds.get(int(data["guild_id"]))
    if guild is None or core.bot.id not in guild.members:
        core.violate("voice", "op 4 for a guild the bot is not in")
        return
    core.note("voice.request", guild_id=guild.id, channel_id=data.get("channel_id"))
    if data.get("channel_id") is None:
        leave_voice(core, guild, core.bot.id)
        return
    channel = guild.channels.get(int(data["channel_id"]))
    if channel is None or channel.kind is not ChannelKind.VOICE:
        core.violate("voice", "op 4 for a channel that is no voice channel here")
        return
    if (reason := cannot_join(core, guild, channel, core.bot.id)) is not None:
        core.violate("missing-permissions", f"op 4: {reason}", 50013)
        return
    before = guild.voice_states.get(core.bot.id)
    switches = (bool(data.get("self_mute")), bool(data.get("self_deaf")))
    switched = before is not None and (before.self_mute, before.self_deaf) != switches
    state = VoiceState(core.bot.id, guild.id, channel.id, session.id, *switches)
    _enter(core, guild, state)
    if before and before.channel_id == channel.id and before.session_id == session.id and switched:
        return
    send_ticket(core, guild, state)


def cannot_join(core: Core, guild: Guild, channel: Channel, user_id: int) -> str | None:
    """Why the user may not enter the voice channel, or None."""
    bits = core.world.permissions(user_id, channel)
    if not bits & Permission.VIEW_CHANNEL or not bits & Permission.CONNECT:
        return f"no permission to connect to {channel.name}"
    inside = [s for s in guild.voice_states.values() if s.channel_id == channel.id]
    full = channel.user_limit and len(inside) >= channel.user_limit
    already = any(s.user_id == user_id for s in inside)
    if full and not already and not bits & Permission.MOVE_MEMBERS:
        return f"{channel.name} is full ({channel.user_limit})"
    return None


def join_voice(
    core: Core,
    guild: Guild,
    channel: Channel,
    user_id: int,
    *,
    self_mute: bool = False,
    self_deaf: bool = False,
) -> None:
    """A scripted member enters a channel (or moves there, or changes their switches)."""
    before = guild.voice_states.get(user_id)
    session_id = before.session_id if before else secrets.token_hex(16)
    _enter(
        core,
        guild,
        VoiceState(user_id, guild.id, channel.id, session_id, self_mute, self_deaf),
    )


def move_voice(core: Core, guild: Guild, user_id: int, channel: Channel) -> None:
    """A moderator moves someone who is in voice. The bot gets a new ticket."""
    before = guild.voice_states[user_id]
    state = VoiceState(
        user_id, guild.id, channel.id, before.session_id, before.self_mute, before.self_deaf
    )
    _enter(core, guild, state)
    if user_id == core.bot.id:
        send_ticket(core, guild, state)


def leave_voice(core: Core, guild: Guild, user_id: int, *, host_knows: bool = False) -> None:
    """The user is in voice no more, by their own will or by force."""
    state = guild.voice_states.pop(user_id, None)
    if state is None:
        return
    if guild.members.get(user_id):
        body = voice_state_json(core.world, guild, state) | {"channel_id": None}
        core.gateway.dispatch(
            "VOICE_STATE_UPDATE", body, need=Intent.GUILD_VOICE_STATES, guild_id=guild.id
        )
    core.note("voice.state", user_id=user_id, guild_id=guild.id, channel_id=None)
    if user_id == core.bot.id and not host_knows:
        core.voice.forget(guild.id, user_id)
    tell_listeners(core, guild, state.channel_id)


def announce_voice(core: Core, guild: Guild, user_id: int) -> None:
    """Send a member's voice state again, after a switch of theirs changed."""
    state = guild.voice_states[user_id]
    core.gateway.dispatch(
        "VOICE_STATE_UPDATE",
        voice_state_json(core.world, guild, state),
        need=Intent.GUILD_VOICE_STATES,
        guild_id=guild.id,
    )
    member = guild.members[user_id]
    if user_id == core.bot.id:
        core.voice.mute(guild.id, user_id, member.mute or state.suppress)
    core.note(
        "voice.state",
        user_id=user_id,
        guild_id=guild.id,
        channel_id=state.channel_id,
        mute=member.mute,
        deaf=member.deaf,
        self_mute=state.self_mute,
        self_deaf=state.self_deaf,
        suppress=state.suppress,
    )
    tell_listeners(core, guild, state.channel_id)


def send_ticket(core: Core, guild: Guild, state: VoiceState) -> None:
    """Make the bot's voice session known to the host, then to the bot (VOICE_SERVER_UPDATE)."""
    ticket = VoiceTicket(
        guild.id, state.channel_id, state.user_id, state.session_id, secrets.token_hex(8)
    )
    core.voice.expect(ticket)
    core.gateway.dispatch(
        "VOICE_SERVER_UPDATE",
        {"token": ticket.token, "guild_id": str(guild.id), "endpoint": core.voice.endpoint},
        guild_id=guild.id,
    )
    core.note("voice.server", guild_id=guild.id, channel_id=state.channel_id)


def tell_listeners(core: Core, guild: Guild, channel_id: int) -> None:
    """Tell the voice host which scripted members can hear in a channel."""
    listeners = frozenset(
        s.user_id
        for s in guild.voice_states.values()
        if s.channel_id == channel_id
        and s.user_id != core.bot.id
        and not s.self_deaf
        and not guild.members[s.user_id].deaf
    )
    core.voice.members_changed(guild.id, channel_id, listeners)


def _enter(core: Core, guild: Guild, state: VoiceState) -> None:
    before = guild.voice_states.get(state.user_id)
    if before and before.channel_id == state.channel_id:
        state.suppress = before.suppress  # the right to speak is looked at on entering
    else:
        bits = core.world.permissions(state.user_id, core.world.channel(state.channel_id))
        state.suppress = not bits & Permission.SPEAK
    guild.voice_states[state.user_id] = state
    if before and before.channel_id != state.channel_id:
        tell_listeners(core, guild, before.channel_id)
    announce_voice(core, guild, state.user_id)
