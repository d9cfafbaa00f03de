"""Buttons, selects and modals as a member uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.checks.commands import OptionKind
from sandbox.checks.components import SELECTS, Part, bounds, walk
from sandbox.errors import BadOption, NotPossible
from sandbox.options import Resolved, snowflake
from sandbox.records import Channel, Json, Message

if TYPE_CHECKING:
    from sandbox.core import Core

_LINK = 5
_OBJECTS = {
    Part.USER_SELECT: OptionKind.USER,
    Part.ROLE_SELECT: OptionKind.ROLE,
    Part.MENTIONABLE_SELECT: OptionKind.MENTIONABLE,
    Part.CHANNEL_SELECT: OptionKind.CHANNEL,
}


def label_of(component: Json) -> str:
    """What a member reads on a button: its label, or its emoji."""
    return str(component.get("label") or (component.get("emoji") or {}).get("name") or "")


def buttons(message: Message) -> list[Json]:
    """All buttons of a message, in order."""
    return [c for c in walk(message.components) if c["type"] == Part.BUTTON]


def selects(message: Message) -> list[Json]:
    """All select menus of a message, in order."""
    return [c for c in walk(message.components) if c["type"] in SELECTS]


def press(message: Message, label: str) -> Json:
    """The ``data`` of pressing a button, named by label, emoji or custom id."""
    for button in buttons(message):
        if label not in (label_of(button), button.get("custom_id")):
            continue
        if button.get("disabled"):
            raise NotPossible(f"the button {label!r} is disabled")
        if button.get("style") == _LINK:
            raise NotPossible(f"{label!r} is a link: pressing it tells the bot nothing")
        return {
            "component_type": int(Part.BUTTON),
            "custom_id": button["custom_id"],
            "id": button["id"],
        }
    there = ", ".join(repr(label_of(b)) for b in buttons(message)) or "none"
    raise NotPossible(f"no button {label!r}; there are: {there}")


def choose(
    core: Core,
    user_id: int,
    channel: Channel,
    message: Message,
    values: Sequence[Any],
    which: str | None,
) -> Json:
    """The ``data`` of choosing in a select; ``which`` is its placeholder or custom id."""
    menus = selects(message)
    found = [m for m in menus if which in (None, m.get("placeholder"), m["custom_id"])]
    if not found:
        raise NotPossible(f"no select menu {which or ''} on this message")
    menu = found[0]
    if menu.get("disabled"):
        raise NotPossible("the select menu is disabled")
    resolved = Resolved(core, channel)
    data: Json = {
        "component_type": menu["type"],
        "custom_id": menu["custom_id"],
        "id": menu["id"],
        "values": _picked(core, user_id, channel, menu, values, resolved),
    }
    if resolved.body:
        data["resolved"] = resolved.body
    return data


def fill(
    core: Core, user_id: int, channel: Channel, modal: Json, values: Mapping[str, Any]
) -> Json:
    """The ``data`` of a modal with its fields filled in, by label or custom id.

    Fields that are not named keep what the bot put there. Raises NotPossible for a required
    field left empty, BadOption for a value that does not fit.
    """
    resolved = Resolved(core, channel)
    left = dict(values)
    components: list[Json] = []
    for position, part in enumerate(modal["components"], start=1):
        shape: Json = {"type": part["type"], "id": part.get("id", position)}
        if part["type"] == Part.LABEL:
            field = part["component"]
            shape["component"] = _field(
                core, user_id, channel, field, part["label"], left, resolved
            )
        elif part["type"] == Part.ROW:
            field = part["components"][0]
            shape["components"] = [
                _field(core, user_id, channel, field, field["label"], left, resolved)
            ]
        components.append(shape)
    if left:
        raise BadOption(f"the modal has no field {', '.join(left)}")
    data: Json = {"custom_id": modal["custom_id"], "components": components}
    if resolved.body:
        data["resolved"] = resolved.body
    return data


def _field(
    core: Core,
    user_id: int,
    channel: Channel,
    field: Json,
    label: str,
    left: dict[str, Any],
    resolved: Resolved,
) -> Json:
    kind = field["type"]
    name = next((n for n in (label, field["custom_id"]) if n in left), None)
    given = left.pop(name) if name else None
    shape: Json = {"type": kind, "id": field.get("id", 0), "custom_id": field["custom_id"]}
    required = field.get("required", True)
    if kind == Part.TEXT_INPUT:
        text = str(field.get("value") or "") if given is None else str(given)
        _check_text(field, label, text, required=required)
        shape["value"] = text
    elif kind == Part.CHECKBOX:
        shape["value"] = bool(field.get("default")) if given is None else bool(given)
    elif kind == Part.RADIO_GROUP:
        picked = _options(field, [] if given is None else [given])
        if required and not picked:
            raise NotPossible(f"{label}: choose one")
        shape["value"] = picked[0] if picked else None
    elif kind == Part.FILE_UPLOAD:
        files = given if isinstance(given, list | tuple) else [given] if given else []
        _check_count(field, len(files), label, required=required)
        shape["values"] = [resolved.attachment(f) for f in files]
    elif given is None and not required:
        shape["values"] = []
    else:
        many = given if isinstance(given, list | tuple) else [] if given is None else [given]
        shape["values"] = _picked(core, user_id, channel, field, many, resolved)
    return shape


def _check_text(field: Json, label: str, text: str, *, required: bool) -> None:
    if required and not text:
        raise NotPossible(f"{label}: this field is required")
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if text and not low <= len(text) <= high:
        raise BadOption(f"{label}: must be {low} to {high} characters, not {len(text)}")


def _picked(
    core: Core,
    user_id: int,
    channel: Channel,
    menu: Json,
    values: Sequence[Any],
    resolved: Resolved,
) -> list[str]:
    if menu["type"] in _OBJECTS:
        kind = _OBJECTS[menu["type"]]
        guild = core.world.guild_of(channel)
        picked = [
            snowflake(core, user_id, guild, kind, v, resolved, "select", menu) for v in values
        ]
    else:
        picked = _options(menu, values) if values else _defaults(menu)
    _check_count(menu, len(picked), "select", required=menu.get("required", True))
    return picked


def _defaults(menu: Json) -> list[str]:
    return [str(o["value"]) for o in menu.get("options") or [] if o.get("default")]


def _options(menu: Json, values: Sequence[Any]) -> list[str]:
    options = menu.get("options") or []
    picked = []
    for value in values:
        match = next((o for o in options if value in (o["label"], o["value"])), None)
        if match is None:
            raise BadOption(f"{value!r} is none of {', '.join(o['label'] for o in options)}")
        picked.append(str(match["value"]))
    return picked


def _check_count(field: Json, count: int, label: str, *, required: bool) -> None:
    if not required and not count:
        return
    low, high = bounds(field, 1 if required else 0)
    if not low <= count <= high:
        raise BadOption(f"{label}: choose {low} to {high}, not {count}")
