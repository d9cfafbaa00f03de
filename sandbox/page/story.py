"""What happened for one message: REST calls, gateway and voice events, from question to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.records import Interaction, Json, Message
from sandbox.timeline import Event, Violation

if TYPE_CHECKING:
    from sandbox.core import Core

_AFTER_S = 2.0
_MOST = 400


def story(core: Core, message: Message) -> list[Json]:
    """The timeline around a message, oldest first; ``own`` marks what names the message itself."""
    names = _names(core, message)
    begun_s = min(_begin_s(core, message), message.created_s)
    ends = [v.at_s for v in message.versions] or [message.created_s]
    end_s = max([*ends, message.deleted_s or 0.0]) + _AFTER_S
    told = []
    for event in core.timeline.events:
        if begun_s <= event.at_s <= end_s and (line := _line(core, event)):
            body: Json = {"at_s": round(event.at_s - begun_s, 3), "kind": event.kind, "text": line}
            body["own"] = _own(event, message, names)
            told.append(body)
    return told[:_MOST]


def _names(core: Core, message: Message) -> set[str]:
    names = {str(message.id)}
    if message.interaction:
        names |= {str(message.interaction.id), message.interaction.token}
    if message.reply_to:
        names.add(str(message.reply_to))
    return names


def _begin_s(core: Core, message: Message) -> float:
    if message.interaction:
        return message.interaction.created_s
    asked = core.world.messages.get(message.channel_id, {}).get(message.reply_to or 0)
    return asked.created_s if asked else message.created_s


def _own(event: Event, message: Message, names: set[str]) -> bool:
    details = event.details
    if details.get("message") is message:
        return True
    if message.interaction is not None and details.get("interaction") is message.interaction:
        return True
    path = str(details.get("path", ""))
    return any(part in names or "@original" in part for part in path.split("/") if part) and any(
        name in path for name in names
    )


def _line(core: Core, event: Event) -> str:
    details = event.details
    message, interaction = details.get("message"), details.get("interaction")
    if event.kind == "rest":
        took_ms = float(str(details["took_s"])) * 1000
        return f"{details['method']} {details['template']} → {details['status']}, {took_ms:.0f} ms"
    if isinstance(message, Message):
        length = len(message.content)
        return f"{_user(core, message.author_id)}, {length} characters"
    if isinstance(interaction, Interaction):
        summary = interaction.summary.partition(" ")[0]
        return f"{_user(core, interaction.user_id)} {summary}"
    violation = details.get("violation")
    if isinstance(violation, Violation):
        return f"{violation.rule}: {violation.detail}"
    plain = {k: v for k, v in details.items() if isinstance(v, str | int | float | bool)}
    for key in ("guild_id", "channel_id", "session_id"):
        plain.pop(key, None)
    if "user_id" in plain:
        plain["user_id"] = _user(core, int(plain["user_id"]))
    return ", ".join(f"{k.removesuffix('_id')} {v}" for k, v in plain.items()) or "·"


def _user(core: Core, user_id: int) -> str:
    user = core.world.users.get(user_id)
    return user.name if user else "somebody"
