"""What happened, as a person reads it and as JSON-able records.

Both are made from the timeline, so that every edit is there with its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.checks.components import SELECTS, Part, walk
from sandbox.forms import label_of
from sandbox.records import Interaction, Json, Message, MessageFlag, Version
from sandbox.timeline import Event, Violation

if TYPE_CHECKING:
    from sandbox.core import Core

_ANSWERS = {
    4: "a message",
    5: "thinking...",
    6: "deferred update",
    7: "an update",
    8: "choices",
    9: "a modal",
}


def records(core: Core) -> list[Json]:
    """One JSON-able record for each message, edit, deletion, interaction, voice change, fault
    and violation, in order. Times are sandbox seconds (``at_s``) and real ones (``real_s``)."""
    found = []
    for event in core.timeline.events:
        if body := _record(core, event):
            times = {"at_s": round(event.at_s, 4), "real_s": round(event.real_s, 4)}
            found.append({**times, "kind": event.kind, **body})
    return found


def transcript(core: Core) -> str:
    """Readable lines, one for each record."""
    return "\n".join(f"{r['at_s']:9.3f}  {_line(r)}" for r in records(core))


def _record(core: Core, event: Event) -> Json | None:
    details = event.details
    message, interaction = details.get("message"), details.get("interaction")
    # First: a follow-up carries its message too, which has an event of its own.
    if isinstance(interaction, Interaction):
        return _interaction(core, interaction, event)
    if isinstance(message, Message):
        version = details.get("version")
        return _message(core, message, version if isinstance(version, Version) else None, event)
    if event.kind == "violation" and isinstance(found := details["violation"], Violation):
        return {"rule": found.rule, "detail": found.detail, "code": found.code}
    if event.kind == "voice.state":
        return _voice(core, event)
    if event.kind == "fault":
        return {k: v for k, v in details.items() if isinstance(v, str | int | bool)}
    return None


def _message(core: Core, message: Message, version: Version | None, event: Event) -> Json:
    body: Json = {
        "message_id": str(message.id),
        "channel": channel_name(core, message.channel_id),
        "author": message.webhook_name or core.world.users[message.author_id].name,
    }
    if message.visible_to:
        body["only_for"] = core.world.users[message.visible_to].name
    if message.interaction:
        body["interaction_id"] = str(message.interaction.id)
    if version:
        body |= {
            "content": version.content,
            "embeds": version.embeds,
            "components": [_component(c) for c in walk(version.components) if _component(c)],
            "attachments": [
                {
                    "filename": a.filename,
                    "bytes": len(a.data),
                    "content_type": a.content_type,
                    "duration_s": a.duration_s,
                }
                for a in version.attachments
            ],
        }
        first = version is message.versions[0]
        body["thinking"] = first and bool(not version.content and _was_loading(message))
        body["voice_message"] = bool(message.flags & MessageFlag.VOICE_MESSAGE)
        if first and message.pinged:
            body["pinged"] = [core.world.users[i].name for i in sorted(message.pinged)]
    if event.kind == "message.react":
        body["emoji"], body["removed"] = event.details["emoji"], event.details["removed"]
    return body


def _was_loading(message: Message) -> bool:
    answer = message.interaction
    return bool(answer and answer.original is message and answer.answer_kind == 5) or (
        message.loading
    )


def _interaction(core: Core, interaction: Interaction, event: Event) -> Json:
    body: Json = {
        "interaction_id": str(interaction.id),
        "member": core.world.users[interaction.user_id].name,
        "channel": channel_name(core, interaction.channel_id),
        "summary": interaction.summary,
    }
    if event.kind == "interaction.answer" and interaction.answered_s is not None:
        body["answer"] = interaction.answer_kind
        body["after_s"] = round(interaction.answered_s - interaction.created_s, 4)
        if interaction.modal:
            body["modal"] = interaction.modal["title"]
        if interaction.choices is not None:
            body["choices"] = [c["name"] for c in interaction.choices]
    return body


def _voice(core: Core, event: Event) -> Json:
    user_id, channel_id = event.details["user_id"], event.details["channel_id"]
    user = core.world.users[int(str(user_id))]
    channel = channel_name(core, int(str(channel_id))) if channel_id else None
    return {"member": user.name, "voice_channel": channel}


def _component(component: Json) -> str:
    if component["type"] == Part.BUTTON:
        label = label_of(component)
        return f"[{label}]" if not component.get("disabled") else f"[{label} (off)]"
    if component["type"] in SELECTS:
        return f"<{component.get('placeholder') or 'choose'}>"
    if component["type"] == Part.TEXT:
        return str(component["content"])
    return ""


def channel_name(core: Core, channel_id: int) -> str:
    """``#general``, or the names in a direct message channel."""
    channel = core.world.channels.get(channel_id)
    if channel is None:
        return "#deleted"
    if channel.recipient_ids:
        people = (core.world.users[i] for i in channel.recipient_ids)
        return "@" + ", ".join(u.name for u in people if not u.bot)
    return f"#{channel.name}"


def _line(record: Json) -> str:
    kind = record["kind"]
    if kind.startswith("message."):
        return _message_line(record)
    if kind.startswith("interaction."):
        who = f"{record['channel']} {record['member']}: {record['summary']}"
        if kind == "interaction.create":
            return who
        if kind == "interaction.failed":
            return f"{who} -> the application did not respond"
        if kind == "interaction.answer":
            return f"{who} -> {_ANSWERS[record['answer']]} after {record['after_s']:.3f} s"
        return f"{who} -> follow-up"
    if kind == "violation":
        return f"VIOLATION {record['rule']}: {record['detail']}"
    if kind == "voice.state":
        where = record["voice_channel"]
        return f"{record['member']} " + (f"is in voice: {where}" if where else "left voice")
    known = {k: v for k, v in record.items() if k not in ("at_s", "real_s", "kind")}
    return f"FAULT {', '.join(f'{k}={v}' for k, v in known.items())}"


def _message_line(record: Json) -> str:
    head = f"{record['channel']} {record['author']}"
    if only := record.get("only_for"):
        head += f" (only {only} sees this)"
    what = {
        "message.create": "",
        "message.edit": " edits",
        "message.delete": " deleted",
        "message.react": " reacted to",
        "message.pin": " pinned",
    }.get(record["kind"], f" {record['kind']}")
    if "content" not in record:
        return f"{head}:{what} {record.get('emoji') or ''} {record['message_id']}"
    return f"{head}{what}: {' | '.join(_parts(record))}"


def _parts(record: Json) -> Iterable[str]:
    if record["thinking"]:
        yield "thinking..."
    if record["content"]:
        yield record["content"].replace("\n", "\n" + " " * 13)
    for embed in record["embeds"]:
        texts = [embed.get("title"), embed.get("description")]
        texts += [f"{f['name']}: {f['value']}" for f in embed.get("fields") or []]
        yield "{" + " / ".join(t for t in texts if t) + "}"
    for each in record["attachments"]:
        length = f", {each['duration_s']:.1f} s" if each["duration_s"] else ""
        voice = "voice message " if record["voice_message"] else ""
        yield f"({voice}{each['filename']}, {each['bytes']} bytes{length})"
    if record["components"]:
        yield " ".join(record["components"])
