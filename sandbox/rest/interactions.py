"""Answers to interactions, and everything under a webhook's token: follow-ups and hooks."""

from __future__ import annotations

import secrets

from sandbox.checks.messages import check_draft
from sandbox.deeds import interactions, messages
from sandbox.errors import ApiError, unknown
from sandbox.gateway import Intent
from sandbox.message_json import message_json
from sandbox.permissions import Permission
from sandbox.records import Interaction, Json, Message, MessageFlag, Webhook
from sandbox.rest.call import Call, Result, Route

_CALLBACK = "/interactions/{interaction_id}/{token}/callback"
_WEBHOOK = "/webhooks/{webhook_id}"
_TOKEN = f"{_WEBHOOK}/{{token}}"
_MESSAGE = f"{_TOKEN}/messages/{{message_id}}"


def callback(call: Call) -> Result:
    """The first answer. With ``?with_response=1`` the result tells what came of it."""
    interaction = interactions.answer(
        call.core, call.id("interaction_id"), call.params["token"], call.body, call.uploads
    )
    if call.query.get("with_response") not in ("1", "true", "True"):
        return None
    original = interaction.original
    body: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    resource: Json = {"type": interaction.answer_kind}
    if original:
        body |= {
            "response_message_id": str(original.id),
            "response_message_loading": original.loading,
            "response_message_ephemeral": original.ephemeral,
        }
        if interaction.answer_kind in (interactions.REPLY, interactions.UPDATE):
            resource["message"] = _show(call, original)
    return {"interaction": body, "resource": resource}


def execute(call: Call) -> Result:
    """A follow-up of an interaction, or a message of an incoming webhook."""
    if hook := _hook(call):
        return _execute_hook(call, hook)
    return _show(call, interactions.follow_up(call.core, _interaction(call), call.draft()))


def read_message(call: Call) -> Result:
    return _show(call, _find(call))


def edit_message(call: Call) -> Result:
    message = _find(call)
    messages.edit(call.core, message, call.body, call.uploads)
    return _show(call, message)


def delete_message(call: Call) -> Result:
    messages.delete(call.core, _find(call))
    return None


def _show(call: Call, message: Message) -> Json:
    body = message_json(call.core.world, message, viewer_id=call.core.bot.id)
    if message.ephemeral:
        body["flags"] |= int(MessageFlag.EPHEMERAL)
    return body


def _interaction(call: Call) -> Interaction:
    if call.id("webhook_id") != call.core.bot.id:
        raise unknown(10015, "Webhook")
    return interactions.by_token(call.core, call.params["token"])


def _find(call: Call) -> Message:
    which = call.params["message_id"]
    if hook := _hook(call):
        message = call.core.world.message(hook.channel_id, call.id("message_id"))
        if message.webhook_id != hook.id:
            raise unknown(10008, "Message")
        return message
    return interactions.message_of(_interaction(call), which)


def _hook(call: Call) -> Webhook | None:
    hook = call.core.world.webhooks.get(call.id("webhook_id"))
    if hook and not secrets.compare_digest(hook.token, call.params["token"]):
        raise ApiError(401, 50027, "Invalid Webhook Token", rule="webhook-token")
    return hook


def _execute_hook(call: Call, hook: Webhook) -> Result:
    draft = call.draft()
    check_draft(draft)
    named = Webhook(
        hook.id,
        hook.channel_id,
        hook.guild_id,
        hook.token,
        str(call.body.get("username") or hook.name),
        hook.creator_id,
    )
    channel = call.core.world.channel(hook.channel_id)
    message = messages.send(call.core, channel, hook.creator_id, draft, webhook=named)
    return _show(call, message) if call.query.get("wait") in ("true", "1", "True") else None


# --- incoming webhooks themselves


def _webhook_json(call: Call, hook: Webhook) -> Json:
    return {
        "id": str(hook.id),
        "type": 1,
        "guild_id": str(hook.guild_id),
        "channel_id": str(hook.channel_id),
        "name": hook.name,
        "avatar": None,
        "token": hook.token,
        "application_id": str(call.core.bot.id),
    }


def create_webhook(call: Call) -> Result:
    guild, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_WEBHOOKS)
    hook = Webhook(
        call.core.world.ids.next(),
        channel.id,
        guild.id,
        secrets.token_urlsafe(48),
        str(call.body.get("name") or "Webhook"),
        call.core.bot.id,
    )
    call.core.world.webhooks[hook.id] = hook
    _tell(call, hook)
    return _webhook_json(call, hook)


def _tell(call: Call, hook: Webhook) -> None:
    call.core.gateway.dispatch(
        "WEBHOOKS_UPDATE",
        {"guild_id": str(hook.guild_id), "channel_id": str(hook.channel_id)},
        need=Intent.GUILD_WEBHOOKS,
        guild_id=hook.guild_id,
    )


def channel_webhooks(call: Call) -> Result:
    _, channel = call.guild_channel()
    call.need(channel, Permission.MANAGE_WEBHOOKS)
    hooks = call.core.world.webhooks.values()
    return [_webhook_json(call, h) for h in hooks if h.channel_id == channel.id]


def guild_webhooks(call: Call) -> Result:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_WEBHOOKS)
    hooks = call.core.world.webhooks.values()
    return [_webhook_json(call, h) for h in hooks if h.guild_id == guild.id]


def read_webhook(call: Call) -> Result:
    return _webhook_json(call, _known(call))


def delete_webhook(call: Call) -> Result:
    hook = _known(call)
    del call.core.world.webhooks[hook.id]
    _tell(call, hook)
    return None


def _known(call: Call) -> Webhook:
    hook = call.core.world.webhooks.get(call.id("webhook_id"))
    if hook is None:
        raise unknown(10015, "Webhook")
    if "token" in call.params:
        _hook(call)
    else:
        call.need(call.core.world.channel(hook.channel_id), Permission.MANAGE_WEBHOOKS)
    return hook


ROUTES = [
    Route("POST", _CALLBACK, callback, open=True),
    Route("POST", _TOKEN, execute, open=True),
    Route("GET", _MESSAGE, read_message, open=True),
    Route("PATCH", _MESSAGE, edit_message, open=True),
    Route("DELETE", _MESSAGE, delete_message, open=True),
    Route("POST", "/channels/{channel_id}/webhooks", create_webhook),
    Route("GET", "/channels/{channel_id}/webhooks", channel_webhooks),
    Route("GET", "/guilds/{guild_id}/webhooks", guild_webhooks),
    Route("GET", _WEBHOOK, read_webhook),
    Route("DELETE", _WEBHOOK, delete_webhook),
    Route("GET", _TOKEN, read_webhook, open=True),
    Route("DELETE", _TOKEN, delete_webhook, open=True),
]
