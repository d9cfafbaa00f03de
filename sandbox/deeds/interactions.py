"""Interactions: sent to the bot, answered once within 3 s, followed up for 15 min."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sandbox.checks.commands import check_choice_values
from sandbox.checks.components import check_modal
from sandbox.checks.messages import Draft, check_draft
from sandbox.core import ACKNOWLEDGE_S, TOKEN_S
from sandbox.deeds import messages
from sandbox.errors import ApiError, bad_form, unknown
from sandbox.message_json import interaction_json
from sandbox.records import (
    Channel,
    Interaction,
    InteractionKind,
    Json,
    Message,
    MessageFlag,
)
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.core import Core

REPLY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9


def start(
    core: Core,
    kind: InteractionKind,
    user_id: int,
    channel: Channel,
    data: Json,
    summary: str,
    *,
    message: Message | None = None,
    parent: Interaction | None = None,
) -> Interaction:
    """Send an interaction to the bot and start its clock; ``summary`` is for the transcript."""
    interaction = Interaction(
        id=core.world.ids.next(),
        token=secrets.token_urlsafe(48),
        kind=kind,
        user_id=user_id,
        channel_id=channel.id,
        guild_id=channel.guild_id,
        data=data,
        summary=summary,
        created_s=core.clock.now_s(),
        created_at=core.clock.utc(),
        message=message,
        parent=parent,
    )
    interaction.payload = interaction_json(core.world, interaction, channel, core.bot.id)
    core.world.interactions[interaction.id] = interaction
    core.note("interaction.create", interaction=interaction)
    if core.gateway.dispatch(
        "INTERACTION_CREATE", interaction.payload, guild_id=interaction.guild_id
    ):
        interaction.delivered_s = core.clock.now_s()
    core.spawn(_deadline(core, interaction))
    return interaction


async def _deadline(core: Core, interaction: Interaction) -> None:
    await core.clock.sleep_until(interaction.created_s + ACKNOWLEDGE_S)
    if interaction.acknowledged:
        return
    interaction.failed = True
    core.note("interaction.failed", interaction=interaction)
    if interaction.delivered_s is not None:
        core.violate("late-acknowledgement", f"{interaction.summary}: no answer in 3 s", 10062)


def answer(
    core: Core, interaction_id: int, token: str, body: Json, uploads: list[Upload]
) -> Interaction:
    """The first answer (POST /interactions/.../callback).

    Raises 10062 (unknown or late), 40060 (answered before), 50035 (not an answer to this).
    """
    interaction = core.world.interactions.get(interaction_id)
    if interaction is None or not secrets.compare_digest(interaction.token, token):
        raise ApiError(404, 10062, "Unknown interaction", rule="unknown-interaction")
    if interaction.acknowledged:
        raise ApiError(
            400,
            40060,
            "Interaction has already been acknowledged.",
            rule="double-acknowledgement",
        )
    if interaction.failed:
        raise ApiError(404, 10062, "Unknown interaction", rule="late-acknowledgement")
    kind = int(body.get("type", 0))
    if kind not in _allowed(interaction):
        raise bad_form(
            "interaction-answer",
            "type",
            "BASE_TYPE_CHOICES",
            f"Answer type {kind} does not fit interaction type {int(interaction.kind)}.",
        )
    data: Json = body.get("data") or {}
    channel = core.world.channel(interaction.channel_id)
    # Whatever is refused below leaves the interaction open for another try, as on Discord.
    if kind == REPLY:
        draft = draft_of(data, uploads)
        check_draft(draft, answer=True)
        interaction.original = messages.send(
            core, channel, core.bot.id, draft, interaction=interaction
        )
    elif kind == DEFER:
        flags = int(data.get("flags") or 0) & MessageFlag.EPHEMERAL
        thinking = Draft(flags=int(flags | MessageFlag.LOADING))
        interaction.original = messages.send(
            core, channel, core.bot.id, thinking, interaction=interaction
        )
    elif kind in (DEFER_UPDATE, UPDATE):
        interaction.original = interaction.message
        if kind == UPDATE and interaction.message:
            messages.edit(core, interaction.message, data, uploads)
    elif kind == CHOICES:
        interaction.choices = _choices(interaction, data)
    else:
        check_modal(data)
        interaction.modal = data
    interaction.answer_kind = kind
    interaction.answered_s = core.clock.now_s()
    core.note("interaction.answer", interaction=interaction)
    return interaction


def by_token(core: Core, token: str) -> Interaction:
    """The interaction of a webhook token.

    Raises 50027 (unknown, or older than 15 min), 10015 (not acknowledged yet).
    """
    for interaction in reversed(core.world.interactions.values()):
        if not secrets.compare_digest(interaction.token.encode(), token.encode()):
            continue
        if core.clock.now_s() - interaction.created_s > TOKEN_S:
            raise ApiError(401, 50027, "Invalid Webhook Token", rule="token-expired")
        if not interaction.acknowledged:
            raise ApiError(404, 10015, "Unknown Webhook", rule="follow-up-before-acknowledgement")
        return interaction
    raise ApiError(401, 50027, "Invalid Webhook Token", rule="unknown-interaction")


def follow_up(core: Core, interaction: Interaction, draft: Draft) -> Message:
    """Another message; the first after a deferral takes the place of "thinking..."."""
    check_draft(draft, answer=True)
    channel = core.world.channel(interaction.channel_id)
    original = interaction.original
    if original and original.loading and not original.deleted:
        messages.fill_loading(core, channel, original, draft)
        return original
    message = messages.send(
        core, channel, core.bot.id, draft, interaction=interaction, followup=True
    )
    interaction.followups.append(message)
    core.note("interaction.followup", interaction=interaction, message=message)
    return message


def message_of(interaction: Interaction, which: str) -> Message:
    """``@original`` or a message id of this interaction. Raises 10008."""
    for message in [interaction.original, *interaction.followups]:
        if message and not message.deleted:
            if which == "@original" and message is interaction.original:
                return message
            if which == str(message.id):
                return message
    raise unknown(10008, "Message")


def draft_of(data: Json, uploads: list[Upload]) -> Draft:
    """A message body as a draft. Raises 50035 for fields of the wrong type."""
    content = data.get("content")
    if content is not None and not isinstance(content, str | int | float):
        raise bad_form("form", "content", "STRING_TYPE_CONVERT", "Could not interpret as string.")
    reference = data.get("message_reference") or {}
    if reference.get("type", 0) != 0:
        raise bad_form(
            "unsupported", "message_reference.type", "BASE_TYPE_CHOICES", "No forwarding here."
        )
    for key in ("sticker_ids", "poll"):
        if data.get(key):
            raise bad_form("unsupported", key, "BASE_TYPE_CHOICES", f"No {key} in the sandbox.")
    return Draft(
        content="" if content is None else str(content).strip(),
        embeds=list(data.get("embeds") or []),
        components=list(data.get("components") or []),
        uploads=uploads,
        flags=int(data.get("flags") or 0),
        tts=bool(data.get("tts")),
        nonce=data.get("nonce"),
        enforce_nonce=bool(data.get("enforce_nonce")),
        allowed_mentions=data.get("allowed_mentions"),
        reply_to=int(reference["message_id"]) if reference.get("message_id") else None,
        reply_or_fail=reference.get("fail_if_not_exists", True) is not False,
    )


def _allowed(interaction: Interaction) -> set[int]:
    if interaction.kind is InteractionKind.AUTOCOMPLETE:
        return {CHOICES}
    allowed = {REPLY, DEFER}
    if interaction.kind is not InteractionKind.MODAL_SUBMIT:
        allowed.add(MODAL)
    if interaction.message:
        allowed |= {DEFER_UPDATE, UPDATE}
    return allowed


def _choices(interaction: Interaction, data: Json) -> list[Json]:
    choices: list[Json] = list(data.get("choices") or [])
    if len(choices) > 25:
        raise bad_form(
            "autocomplete", "data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."
        )
    focused = next(o for o in _flat(interaction.data.get("options") or []) if o.get("focused"))
    check_choice_values(choices, focused["type"], "data.choices")
    return choices


def _flat(options: list[Json]) -> list[Json]:
    return [o for option in options for o in (option, *_flat(option.get("options") or []))]
