"""Messages, attachments and interactions as Discord's JSON (API v10)."""

from __future__ import annotations

from sandbox.payloads import channel_json, iso, member_json, user_json
from sandbox.records import (
    Attachment,
    Channel,
    ChannelKind,
    Interaction,
    InteractionKind,
    Json,
    Message,
    MessageFlag,
)
from sandbox.world import World

UPLOAD_LIMIT = 10 * 1024 * 1024
"""Bytes per file for servers without boosts."""


def attachment_json(attachment: Attachment) -> Json:
    """An attachment with its CDN address."""
    folder = "ephemeral-attachments" if attachment.ephemeral else "attachments"
    path = f"{folder}/{attachment.channel_id}/{attachment.id}/{attachment.filename}"
    body: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.data),
        "url": f"https://cdn.discordapp.com/{path}?ex=7fffffff&is=00000000&hm=00",
        "proxy_url": f"https://media.discordapp.net/{path}?ex=7fffffff&is=00000000&hm=00",
        "content_type": attachment.content_type,
    }
    optional = {
        "description": attachment.description,
        "duration_secs": attachment.duration_s,
        "waveform": attachment.waveform,
        "width": attachment.width,
        "height": attachment.height,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    if attachment.ephemeral:
        body["ephemeral"] = True
    return body


def emoji_json(key: str) -> Json:
    """``name:id`` of a custom emoji, or a Unicode one."""
    name, _, emoji_id = key.partition(":")
    return {"id": emoji_id or None, "name": name}


def author_json(world: World, message: Message) -> Json:
    """The author; a webhook's message is signed with the webhook's name and id."""
    if message.webhook_id and message.webhook_name:
        return {
            "id": str(message.webhook_id),
            "username": message.webhook_name,
            "discriminator": "0000",
            "global_name": None,
            "avatar": None,
            "bot": True,
        }
    return user_json(world.users[message.author_id])


def message_json(
    world: World,
    message: Message,
    *,
    viewer_id: int,
    content: bool = True,
    nested: bool = False,
) -> Json:
    """A message as ``viewer_id`` gets it.

    Without ``content`` (the message content intent) what people wrote is empty, except in
    direct messages, in one's own messages and where one is mentioned.
    """
    shown = (
        content
        or message.guild_id is None
        or message.author_id == viewer_id
        or viewer_id in message.mention_ids
    )
    body: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": message.kind,
        "author": author_json(world, message),
        "content": message.content if shown else "",
        "timestamp": iso(message.created_at),
        "edited_timestamp": iso(message.edited_at),
        "tts": message.tts,
        "mention_everyone": message.mention_everyone,
        "mentions": [_mention(world, message, i) for i in message.mention_ids],
        "mention_roles": [str(r) for r in message.mention_role_ids],
        "attachments": [attachment_json(a) for a in message.attachments] if shown else [],
        "embeds": message.embeds if shown else [],
        "components": message.components if shown else [],
        "pinned": message.pinned,
        "flags": int(message.flags),
    }
    if message.reactions:
        body["reactions"] = [_reaction(k, v, viewer_id) for k, v in message.reactions.items()]
    if message.nonce is not None:
        body["nonce"] = message.nonce
    if message.webhook_id:
        body["webhook_id"] = str(message.webhook_id)
        if not message.webhook_name:
            body["application_id"] = str(message.webhook_id)
    if message.interaction:
        body |= _origin(world, message.interaction)
    if message.reply_to:
        body |= _reply(world, message, viewer_id, content, nested)
    return body


def gateway_message_json(world: World, message: Message, *, viewer_id: int, content: bool) -> Json:
    """The form of MESSAGE_CREATE and MESSAGE_UPDATE: with guild and member.

    Ephemeral messages have neither (discord-api-docs issue 4557).
    """
    body = message_json(world, message, viewer_id=viewer_id, content=content)
    if channel := world.channels.get(message.channel_id):
        # discord.js finds out only by this that a message is direct.
        body["channel_type"] = int(channel.kind)
    if message.guild_id and not message.ephemeral:
        body["guild_id"] = str(message.guild_id)
        member = world.guilds[message.guild_id].members.get(message.author_id)
        if member and not message.webhook_name:
            body["member"] = member_json(world, member, with_user=False)
    return body


def _mention(world: World, message: Message, user_id: int) -> Json:
    body = user_json(world.users[user_id])
    guild = world.guilds.get(message.guild_id or 0)
    if guild and (member := guild.members.get(user_id)):
        body["member"] = member_json(world, member, with_user=False)
    return body


def _reaction(key: str, user_ids: list[int], viewer_id: int) -> Json:
    return {
        "emoji": emoji_json(key),
        "count": len(user_ids),
        "count_details": {"burst": 0, "normal": len(user_ids)},
        "me": viewer_id in user_ids,
        "me_burst": False,
        "burst_colors": [],
    }


def _reply(world: World, message: Message, viewer_id: int, content: bool, nested: bool) -> Json:
    reference: Json = {
        "type": 0,
        "message_id": str(message.reply_to),
        "channel_id": str(message.channel_id),
    }
    if message.guild_id:
        reference["guild_id"] = str(message.guild_id)
    body: Json = {"message_reference": reference}
    if not nested:
        target = world.messages.get(message.channel_id, {}).get(message.reply_to or 0)
        gone = target is None or target.deleted
        body["referenced_message"] = (
            None
            if gone or target is None
            else message_json(world, target, viewer_id=viewer_id, content=content, nested=True)
        )
    return body


def _origin(world: World, interaction: Interaction) -> Json:
    """``interaction_metadata`` of an answer, and the older ``interaction`` field for commands."""
    user = user_json(world.users[interaction.user_id])
    owners = {"0": str(interaction.guild_id or 0)}
    metadata: Json = {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": user,
        "authorizing_integration_owners": owners,
    }
    if interaction.message:
        metadata["interacted_message_id"] = str(interaction.message.id)
    if interaction.parent:
        metadata["triggering_interaction_metadata"] = _origin(world, interaction.parent)[
            "interaction_metadata"
        ]
    body: Json = {"interaction_metadata": metadata}
    if interaction.kind is InteractionKind.COMMAND:
        body["interaction"] = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "name": interaction.data["name"],
            "user": user,
        }
    return body


def interaction_json(
    world: World, interaction: Interaction, channel: Channel, application_id: int
) -> Json:
    """The payload of INTERACTION_CREATE."""
    user = world.users[interaction.user_id]
    bot = world.users[application_id]
    direct = channel.kind is ChannelKind.DM
    shape = channel_json(world, channel)
    shape["permissions"] = str(int(world.permissions(user.id, channel)))
    body: Json = {
        "id": str(interaction.id),
        "application_id": str(application_id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": shape,
        "locale": user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": {"0": str(interaction.guild_id or 0)},
        "context": 1 if direct else 0,
        "attachment_size_limit": UPLOAD_LIMIT,
        "app_permissions": str(int(world.permissions(bot.id, channel))),
    }
    guild = world.guild_of(channel)
    if guild is None:
        body["user"] = user_json(user)
    else:
        member = member_json(world, guild.members[user.id])
        member["permissions"] = str(int(world.permissions(user.id, channel)))
        body |= {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "guild_locale": guild.locale,
            "member": member,
        }
    if interaction.message:
        body["message"] = message_json(world, interaction.message, viewer_id=bot.id)
        if interaction.message.ephemeral:
            body["message"]["flags"] |= int(MessageFlag.EPHEMERAL)
    return body
