"""The sandbox as JSON for one member's eyes. Ids are strings: they are too large for JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.message_json import message_json
from sandbox.offers import Offer, localised
from sandbox.permissions import Permission, in_guild
from sandbox.records import (
    Channel,
    ChannelKind,
    Guild,
    Interaction,
    InteractionKind,
    Json,
    Message,
    MessageFlag,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.actor import Actor
    from sandbox.core import Core


def world_view(core: Core, actor: Actor, people: Sequence[Actor]) -> Json:
    """Servers, channels and members that ``actor`` can see, and whom one may act as."""
    seen = [g for g in core.world.guilds.values() if actor.id in g.members]
    return {
        "me": str(actor.id),
        "locale": actor.user.locale,
        "bot": str(core.bot.id),
        "online": core.gateway.online,
        "users": {
            str(u.id): {"name": u.name, "bot": u.bot, "locale": u.locale}
            for u in core.world.users.values()
        },
        "people": [{"id": str(p.id), "name": p.name, "note": _note(core, p)} for p in people],
        "servers": [_server(core, guild, actor) for guild in seen],
        "direct": str(actor.direct.id),
    }


def _note(core: Core, actor: Actor) -> str:
    """What is special about somebody: their roles and language."""
    notes = []
    for guild in core.world.guilds.values():
        member = guild.members.get(actor.id)
        if member and guild.owner_id == actor.id:
            notes.append(f"owner of {guild.name}")
        elif member:
            notes += [guild.roles[r].name for r in member.role_ids if r in guild.roles]
    if actor.user.locale != "en-US":
        notes.append(actor.user.locale)
    return ", ".join(notes)


def _server(core: Core, guild: Guild, actor: Actor) -> Json:
    can_see = [
        c
        for c in guild.channels.values()
        if core.world.permissions(actor.id, c) & Permission.VIEW_CHANNEL
    ]
    own = in_guild(guild, guild.members[actor.id])
    moderate = {
        "kick": bool(own & Permission.KICK_MEMBERS),
        "time_out": bool(own & Permission.MODERATE_MEMBERS),
        "disconnect": bool(own & Permission.MOVE_MEMBERS),
        "mute": bool(own & Permission.MUTE_MEMBERS),
    }
    return {
        "id": str(guild.id),
        "name": guild.name,
        "moderate": moderate,
        "roles": {str(r.id): r.name for r in guild.roles.values() if r.id != guild.id},
        "channels": [_channel(core, guild, c, actor) for c in can_see],
        "members": [_member(guild, i) for i in guild.members],
    }


def _channel(core: Core, guild: Guild, channel: Channel, actor: Actor) -> Json:
    bits = core.world.permissions(actor.id, channel)
    return {
        "id": str(channel.id),
        "name": channel.name,
        "kind": "voice" if channel.kind is ChannelKind.VOICE else "text",
        "can_send": bool(bits & Permission.SEND_MESSAGES),
        "can_connect": bool(bits & Permission.CONNECT),
        "voice": [str(i) for i, s in guild.voice_states.items() if s.channel_id == channel.id],
    }


def _member(guild: Guild, user_id: int) -> Json:
    member = guild.members[user_id]
    names = [guild.roles[r].name for r in member.role_ids if r in guild.roles]
    return {
        "id": str(user_id),
        "owner": guild.owner_id == user_id,
        "roles": names,
        "muted": member.mute,
        "timed_out": member.timed_out_until is not None,
    }


def message_view(core: Core, message: Message, viewer_id: int) -> Json:
    """A message as Discord's JSON, with what its own client shows beside it."""
    body = message_json(core.world, message, viewer_id=viewer_id)
    body["author"]["name"] = body["author"].get("global_name") or body["author"]["username"]
    body["only_for_me"] = message.visible_to == viewer_id
    body["loading"] = message.loading
    body["voice_message"] = bool(message.flags & MessageFlag.VOICE_MESSAGE)
    for shown, kept in zip(body["attachments"], message.attachments, strict=False):
        shown["src"] = f"files/{kept.id}/{kept.filename}"
    origin = message.interaction
    if origin and origin.kind is InteractionKind.COMMAND:
        user = core.world.users[origin.user_id]
        body["used"] = {"user": str(user.id), "name": user.name, "summary": origin.summary}
    return body


def offer_view(offer: Offer, locale: str) -> Json:
    """A command as the composer completes it."""
    return {
        "path": offer.path,
        "label": offer.label,
        "kind": offer.command.kind,
        "description": offer.description,
        "options": [_option(o, locale) for o in offer.options],
    }


def _option(option: Json, locale: str) -> Json:
    return {
        "name": option["name"],
        "label": localised(option, "name", locale),
        "description": localised(option, "description", locale),
        "type": option["type"],
        "required": bool(option.get("required")),
        "autocomplete": bool(option.get("autocomplete")),
        "channel_types": option.get("channel_types"),
        "choices": [
            {"name": localised(c, "name", locale), "value": c["value"]}
            for c in option.get("choices") or []
        ],
    }


def interaction_view(interaction: Interaction) -> Json:
    """How the bot answered: the modal to show, or how long it took."""
    took_s = (interaction.answered_s or interaction.created_s) - interaction.created_s
    return {"interaction": str(interaction.id), "modal": interaction.modal, "took_s": took_s}
