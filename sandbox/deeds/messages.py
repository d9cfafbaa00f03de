"""Messages: sent, edited, deleted, reacted to."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sandbox.checks.components import number
from sandbox.checks.messages import CONTENT, Draft, check_files, check_parts, empty_message
from sandbox.errors import ApiError, bad_form, too_long
from sandbox.gateway import Intent
from sandbox.mentions import check_allowed, resolve
from sandbox.message_json import emoji_json
from sandbox.payloads import iso, member_json
from sandbox.records import (
    Attachment,
    Channel,
    Interaction,
    Json,
    Message,
    MessageFlag,
    Version,
    Webhook,
)
from sandbox.uploads import Upload, store

if TYPE_CHECKING:
    from sandbox.core import Core

REPLY = 19
_ANSWER_TO_SLASH, _ANSWER_TO_MENU = 20, 23


def send(
    core: Core,
    channel: Channel,
    author_id: int,
    draft: Draft,
    *,
    interaction: Interaction | None = None,
    webhook: Webhook | None = None,
    followup: bool = False,
) -> Message:
    """Send a draft that has been checked. Raises 50035 for a reply to an unknown message."""
    world = core.world
    if draft.enforce_nonce and (same := _same_nonce(core, channel, author_id, draft.nonce)):
        return same
    target = _reply_target(core, channel, draft)
    ephemeral = bool(draft.flags & MessageFlag.EPHEMERAL) and interaction is not None
    now = core.clock.utc()
    message = Message(
        id=world.ids.next(),
        channel_id=channel.id,
        guild_id=channel.guild_id,
        author_id=author_id,
        created_s=core.clock.now_s(),
        created_at=now,
        flags=draft.flags,
        tts=draft.tts,
        nonce=draft.nonce,
        reply_to=target.id if target else None,
        visible_to=interaction.user_id if ephemeral and interaction else None,
        interaction=interaction,
        kind=0 if followup else _kind(interaction, target),
    )
    if interaction:
        message.webhook_id = core.bot.id
    elif webhook:
        message.webhook_id, message.webhook_name = webhook.id, webhook.name
    _fill(core, channel, message, draft, target)
    world.messages.setdefault(channel.id, {})[message.id] = message
    if not message.ephemeral:
        channel.last_message_id = message.id
    core.gateway.dispatch_message("MESSAGE_CREATE", message)
    core.note("message.create", message=message, version=message.versions[0])
    return message


def fill_loading(core: Core, channel: Channel, message: Message, draft: Draft) -> None:
    """Put the answer in the place of "thinking..."; ephemeral or not was decided before."""
    kept = MessageFlag.EPHEMERAL & message.flags
    message.flags = (draft.flags & ~MessageFlag.EPHEMERAL) | kept
    _fill(core, channel, message, draft, None)
    message.edited_at = core.clock.utc()
    core.gateway.dispatch_message("MESSAGE_UPDATE", message)
    core.note("message.edit", message=message, version=message.versions[-1])


def edit(core: Core, message: Message, patch: Json, uploads: list[Upload]) -> None:
    """Apply a PATCH body: absent keys stay, ``attachments`` names what is kept.

    Raises Discord's error where the result would not be a message.
    """
    if message.flags & MessageFlag.VOICE_MESSAGE:
        raise ApiError(400, 50162, "Voice messages cannot be edited", rule="voice-message")
    content = str(patch.get("content") or "").strip() if "content" in patch else message.content
    if len(content) > CONTENT:
        raise too_long("message-too-long", "content", CONTENT)
    allowed = patch.get("allowed_mentions")
    check_allowed(allowed)
    check_files(uploads)
    embeds = deepcopy(patch["embeds"] or []) if "embeds" in patch else message.embeds
    components = (
        deepcopy(patch["components"] or []) if "components" in patch else message.components
    )
    flags = int(patch.get("flags") or 0)
    v2 = bool((message.flags | flags) & MessageFlag.COMPONENTS_V2)
    check_parts(content, embeds, components, v2=v2)
    kept = _kept(message, patch.get("attachments"))
    if not (content or embeds or components or kept or uploads):
        raise empty_message()
    channel = core.world.channel(message.channel_id)
    new = [store(core.world, channel.id, u, ephemeral=message.ephemeral) for u in uploads]
    was_loading = message.loading
    message.flags &= ~(MessageFlag.LOADING | MessageFlag.SUPPRESS_EMBEDS)
    message.flags |= flags & (MessageFlag.COMPONENTS_V2 | MessageFlag.SUPPRESS_EMBEDS)
    message.content, message.embeds = content, embeds
    message.components, message.attachments = number(components), kept + new
    if "content" in patch or allowed is not None:
        # An edit is parsed like a new message, but nobody is notified again.
        target = core.world.messages[channel.id].get(message.reply_to or 0)
        found = resolve(core.world, channel, message.author_id, content, allowed, target)
        message.mention_ids, message.mention_role_ids = found.user_ids, found.role_ids
        message.mention_everyone = found.everyone
        if was_loading and not message.ephemeral:
            message.pinged = found.pinged - {message.author_id}
    message.edited_at = core.clock.utc()
    _remember(core, message)
    core.gateway.dispatch_message("MESSAGE_UPDATE", message)
    core.note("message.edit", message=message, version=message.versions[-1])


def delete(core: Core, message: Message) -> None:
    """Delete a message for everyone."""
    _forget(core, [message], "MESSAGE_DELETE", {"id": str(message.id)})


def delete_many(core: Core, found: list[Message]) -> None:
    """Delete messages of one channel at once: one event for all of them."""
    if found:
        _forget(core, found, "MESSAGE_DELETE_BULK", {"ids": [str(m.id) for m in found]})


def _forget(core: Core, found: list[Message], event: str, body: Json) -> None:
    first = found[0]
    direct = first.guild_id is None or first.ephemeral
    body["channel_id"] = str(first.channel_id)
    if not direct:
        body["guild_id"] = str(first.guild_id)
    for message in found:
        message.deleted_s = core.clock.now_s()
    core.gateway.dispatch(
        event,
        body,
        need=Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES,
        guild_id=None if direct else first.guild_id,
    )
    for message in found:
        core.note("message.delete", message=message)


def pin(core: Core, channel: Channel, message: Message, *, pinned: bool) -> None:
    """Pin a message to its channel, or take the pin out."""
    message.pinned = pinned
    core.gateway.dispatch_message("MESSAGE_UPDATE", message)
    body: Json = {"channel_id": str(channel.id), "last_pin_timestamp": iso(core.clock.utc())}
    if channel.guild_id:
        body["guild_id"] = str(channel.guild_id)
    core.gateway.dispatch(
        "CHANNEL_PINS_UPDATE",
        body,
        need=Intent.GUILDS if channel.guild_id else Intent.DIRECT_MESSAGES,
        guild_id=channel.guild_id,
    )
    core.note("message.pin", message=message, pinned=pinned)


def react(core: Core, message: Message, user_id: int, emoji: str, *, remove: bool = False) -> None:
    """Add or take back a reaction; adding twice is no error, as on Discord."""
    people = message.reactions.setdefault(emoji, [])
    if (user_id in people) is not remove:
        return
    if remove:
        people.remove(user_id)
    else:
        people.append(user_id)
    if not people:
        del message.reactions[emoji]
    body: Json = {
        "user_id": str(user_id),
        "channel_id": str(message.channel_id),
        "message_id": str(message.id),
        "message_author_id": str(message.author_id),
        "emoji": emoji_json(emoji),
        "burst": False,
        "type": 0,
    }
    guild = core.world.guilds.get(message.guild_id or 0)
    if guild:
        body["guild_id"] = str(guild.id)
        if not remove and user_id in guild.members:
            body["member"] = member_json(core.world, guild.members[user_id])
    core.gateway.dispatch(
        "MESSAGE_REACTION_REMOVE" if remove else "MESSAGE_REACTION_ADD",
        body,
        need=Intent.GUILD_MESSAGE_REACTIONS if guild else Intent.DIRECT_MESSAGE_REACTIONS,
        guild_id=message.guild_id,
    )
    core.note("message.react", message=message, user_id=user_id, emoji=emoji, removed=remove)


def clear_reactions(core: Core, message: Message, emoji: str | None = None) -> None:
    """Take away every reaction, or every one with this emoji."""
    if emoji is None:
        message.reactions.clear()
    else:
        message.reactions.pop(emoji, None)
    body: Json = {"channel_id": str(message.channel_id), "message_id": str(message.id)}
    if message.guild_id:
        body["guild_id"] = str(message.guild_id)
    if emoji is not None:
        body["emoji"] = emoji_json(emoji)
    core.gateway.dispatch(
        "MESSAGE_REACTION_REMOVE_EMOJI" if emoji else "MESSAGE_REACTION_REMOVE_ALL",
        body,
        need=Intent.GUILD_MESSAGE_REACTIONS,
        guild_id=message.guild_id,
    )
    core.note("message.react", message=message, user_id=None, emoji=emoji, removed=True)


def type_in(core: Core, channel: Channel, user_id: int) -> None:
    """Show "... is typing" for ten seconds."""
    body: Json = {
        "channel_id": str(channel.id),
        "user_id": str(user_id),
        "timestamp": int(core.clock.utc().timestamp()),
    }
    guild = core.world.guild_of(channel)
    if guild:
        body["guild_id"] = str(guild.id)
        body["member"] = member_json(core.world, guild.members[user_id])
    core.gateway.dispatch(
        "TYPING_START",
        body,
        need=Intent.GUILD_MESSAGE_TYPING if guild else Intent.DIRECT_MESSAGE_TYPING,
        guild_id=channel.guild_id,
    )
    core.note("typing", channel_id=channel.id, user_id=user_id)


def _reply_target(core: Core, channel: Channel, draft: Draft) -> Message | None:
    """The message replied to. Raises 50035 if it is gone (someone may have deleted it), or gives
    None where the draft says so: Discord then sends it as no reply."""
    if draft.reply_to is None:
        return None
    target = core.world.messages.get(channel.id, {}).get(draft.reply_to)
    if target is None or target.deleted:
        if not draft.reply_or_fail:
            return None
        error = bad_form("reply", "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        error.rule = None
        raise error
    return target


def _fill(
    core: Core, channel: Channel, message: Message, draft: Draft, target: Message | None
) -> None:
    message.content = draft.content.strip()
    message.embeds = deepcopy(draft.embeds)
    message.components = number(deepcopy(draft.components))
    message.attachments = [
        store(core.world, channel.id, u, ephemeral=message.ephemeral) for u in draft.uploads
    ]
    found = resolve(
        core.world, channel, message.author_id, message.content, draft.allowed_mentions, target
    )
    message.mention_ids, message.mention_role_ids = found.user_ids, found.role_ids
    message.mention_everyone = found.everyone
    if not message.ephemeral and not message.loading:
        message.pinged = found.pinged - {message.author_id}
    _remember(core, message)


def _remember(core: Core, message: Message) -> None:
    message.versions.append(
        Version(
            core.clock.now_s(),
            message.content,
            list(message.embeds),
            list(message.components),
            list(message.attachments),
        )
    )


def _kept(message: Message, listed: Any) -> list[Attachment]:
    if listed is None:
        return list(message.attachments)
    ids = {str(a.get("id")) for a in listed}
    return [a for a in message.attachments if str(a.id) in ids]


def _kind(interaction: Interaction | None, target: Message | None) -> int:
    if interaction and interaction.data.get("type") == 1 and interaction.kind == 2:
        return _ANSWER_TO_SLASH
    if interaction and interaction.kind == 2:
        return _ANSWER_TO_MENU
    return REPLY if target else 0


def _same_nonce(
    core: Core, channel: Channel, author_id: int, nonce: str | int | None
) -> Message | None:
    """Discord remembers a nonce for some minutes, so that a retry does not send twice."""
    if nonce is None:
        return None
    since_s = core.clock.now_s() - 300
    for message in core.world.in_channel(channel.id):
        if (message.author_id, message.nonce) == (author_id, nonce) and message.created_s > since_s:
            return message
    return None
