"""Messages of channels: sent, read, edited, deleted, reacted to, pinned."""

from __future__ import annotations

from datetime import timedelta

from sandbox.checks.messages import check_draft, check_may_send
from sandbox.deeds import messages
from sandbox.errors import ApiError, bad_form
from sandbox.message_json import message_json
from sandbox.payloads import iso, user_json
from sandbox.permissions import Permission
from sandbox.records import ChannelKind, Json, Message, MessageFlag
from sandbox.rest.call import Call, Result, Route

_CHANNEL = "/channels/{channel_id}"
_MESSAGES = f"{_CHANNEL}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"
_REACTIONS = f"{_MESSAGE}/reactions"
_REACTION = f"{_REACTIONS}/{{emoji}}"
_BULK_AGE = timedelta(days=14)


def show(call: Call, message: Message) -> Json:
    """The message as REST shows it to the bot."""
    core = call.core
    return message_json(
        core.world, message, viewer_id=core.bot.id, content=core.rules.privileged_intents
    )


def create(call: Call) -> Result:
    channel = call.channel()
    draft = call.draft()
    check_may_send(call.core.world, call.core.bot.id, channel, draft)
    check_draft(draft)
    return show(call, messages.send(call.core, channel, call.core.bot.id, draft))


def find(call: Call) -> Message:
    """The message of the path. Raises 10008; ephemeral ones are not found this way."""
    channel = call.channel()
    message = call.core.world.message(channel.id, call.id("message_id"))
    if message.ephemeral:
        raise ApiError(404, 10008, "Unknown Message")
    return message


def read(call: Call) -> Result:
    call.need(call.channel(), Permission.READ_MESSAGE_HISTORY)
    return show(call, find(call))


def history(call: Call) -> Result:
    channel = call.channel()
    if not call.core.world.permissions(call.core.bot.id, channel) & Permission.READ_MESSAGE_HISTORY:
        return []
    limit = call.limit(50, 100)
    found = [m for m in call.core.world.in_channel(channel.id) if not m.ephemeral]
    if "around" in call.query:
        middle = int(call.query["around"])
        before = [m for m in found if m.id <= middle][-(limit // 2 + 1) :]
        found = before + [m for m in found if m.id > middle][: limit - len(before)]
    elif "after" in call.query:
        found = [m for m in found if m.id > int(call.query["after"])][:limit]
    else:
        last = int(call.query.get("before", 1 << 63))
        found = [m for m in found if m.id < last][-limit:]
    return [show(call, m) for m in reversed(found)]


def edit(call: Call) -> Result:
    message = find(call)
    patch = call.body
    if message.author_id != call.core.bot.id or message.webhook_name:
        # Others' messages can only have their embeds hidden, by those who manage messages.
        if set(patch) - {"flags", "tts"}:
            raise ApiError(
                403, 50005, "Cannot edit a message authored by another user", rule="author"
            )
        call.need(call.channel(), Permission.MANAGE_MESSAGES)
        message.flags = int(patch.get("flags", 0)) & MessageFlag.SUPPRESS_EMBEDS | (
            message.flags & ~MessageFlag.SUPPRESS_EMBEDS
        )
        return show(call, message)
    messages.edit(call.core, message, patch, call.uploads)
    return show(call, message)


def delete(call: Call) -> Result:
    message = find(call)
    if message.author_id != call.core.bot.id:
        channel = call.channel()
        if channel.kind is ChannelKind.DM:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel", rule="channel")
        call.need(channel, Permission.MANAGE_MESSAGES)
    messages.delete(call.core, message)
    return None


def bulk_delete(call: Call) -> Result:
    _, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_MESSAGES)
    ids = [int(i) for i in call.body.get("messages") or []]
    if not 2 <= len(ids) <= 100:
        raise ApiError(
            400,
            50016,
            "Provided too few or too many messages to delete. Must provide at least 2 and "
            "fewer than 100 messages to delete",
            rule="bulk-delete",
        )
    found = [m for m in call.core.world.in_channel(channel.id) if m.id in ids]
    if any(m.created_at < call.core.clock.utc() - _BULK_AGE for m in found):
        raise ApiError(400, 50034, "A message provided was too old to bulk delete", rule="bulk")
    messages.delete_many(call.core, found)
    return None


def typing(call: Call) -> Result:
    channel = call.channel()
    call.need(channel, Permission.SEND_MESSAGES)
    messages.type_in(call.core, channel, call.core.bot.id)
    return None


def add_reaction(call: Call) -> Result:
    message, channel = find(call), call.channel()
    call.need(channel, Permission.READ_MESSAGE_HISTORY)
    emoji = call.params["emoji"]
    if emoji not in message.reactions:
        call.need(channel, Permission.ADD_REACTIONS)
    if not emoji or (emoji.isascii() and ":" not in emoji and not emoji.isdigit()):
        raise ApiError(400, 10014, "Unknown Emoji", rule="emoji")
    messages.react(call.core, message, call.core.bot.id, emoji)
    return None


def remove_reaction(call: Call) -> Result:
    message = find(call)
    user_id = call.id("user_id")
    if user_id != call.core.bot.id:
        call.need(call.channel(), Permission.MANAGE_MESSAGES)
    messages.react(call.core, message, user_id, call.params["emoji"], remove=True)
    return None


def clear_reactions(call: Call) -> Result:
    message = find(call)
    call.need(call.channel(), Permission.MANAGE_MESSAGES)
    messages.clear_reactions(call.core, message, call.params.get("emoji"))
    return None


def reaction_users(call: Call) -> Result:
    people = find(call).reactions.get(call.params["emoji"], [])
    after = int(call.query.get("after", 0))
    users = [call.core.world.users[i] for i in sorted(people) if i > after]
    return [user_json(u) for u in users[: call.limit(25, 100)]]


def pins(call: Call) -> Result:
    channel = call.channel()
    pinned = [m for m in call.core.world.in_channel(channel.id) if m.pinned]
    items = [{"pinned_at": iso(m.created_at), "message": show(call, m)} for m in reversed(pinned)]
    return {"items": items, "has_more": False}


def pin(call: Call) -> Result:
    _pin(call, pinned=True)
    return None


def unpin(call: Call) -> Result:
    _pin(call, pinned=False)
    return None


def _pin(call: Call, *, pinned: bool) -> None:
    message, channel = find(call), call.channel()
    if channel.guild_id:
        call.need(channel, Permission.PIN_MESSAGES)
    if message.kind not in (0, messages.REPLY, 20, 23):
        raise bad_form("form", "", "INVALID_TYPE", "Cannot execute action on a system message")
    messages.pin(call.core, channel, message, pinned=pinned)


ROUTES = [
    Route("POST", _MESSAGES, create),
    Route("GET", _MESSAGES, history),
    Route("POST", f"{_MESSAGES}/bulk-delete", bulk_delete),
    Route("GET", f"{_MESSAGES}/pins", pins),
    Route("PUT", f"{_MESSAGES}/pins/{{message_id}}", pin),
    Route("DELETE", f"{_MESSAGES}/pins/{{message_id}}", unpin),
    Route("GET", _MESSAGE, read),
    Route("PATCH", _MESSAGE, edit),
    Route("DELETE", _MESSAGE, delete),
    Route("POST", f"{_CHANNEL}/typing", typing),
    Route("PUT", f"{_REACTION}/@me", add_reaction),
    Route("DELETE", f"{_REACTION}/{{user_id}}", remove_reaction),
    Route("GET", _REACTION, reaction_users),
    Route("DELETE", _REACTION, clear_reactions),
    Route("DELETE", _REACTIONS, clear_reactions),
]
