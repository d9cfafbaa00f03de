"""What a member types into a command, checked as Discord's own client does, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.checks.commands import CommandKind, OptionKind
from sandbox.errors import BadOption
from sandbox.message_json import attachment_json, message_json
from sandbox.offers import Offer, localised
from sandbox.payloads import channel_json, member_json, role_json, user_json
from sandbox.records import Attachment, Channel, Guild, Json, Message, Role, User
from sandbox.uploads import Upload, store

if TYPE_CHECKING:
    from sandbox.core import Core


class Resolved:
    """The ``resolved`` part of an interaction: what the ids in it stand for."""

    def __init__(self, core: Core, channel: Channel) -> None:
        self._core = core
        self._channel = channel
        self.body: dict[str, dict[str, Json]] = {}

    def user(self, user_id: int) -> str:
        """Add a user, with the member where there is one."""
        world = self._core.world
        self._put("users", user_id, user_json(world.users[user_id]))
        guild = world.guild_of(self._channel)
        if guild and (member := guild.members.get(user_id)):
            body = member_json(world, member, with_user=False)
            body["permissions"] = str(int(world.permissions(user_id, self._channel)))
            self._put("members", user_id, body)
        return str(user_id)

    def role(self, role: Role) -> str:
        """Add a role."""
        return self._put("roles", role.id, role_json(role))

    def channel(self, channel: Channel, viewer_id: int) -> str:
        """Add a channel, with the permissions of the member who named it."""
        body = channel_json(self._core.world, channel)
        body["permissions"] = str(int(self._core.world.permissions(viewer_id, channel)))
        return self._put("channels", channel.id, body)

    def attachment(self, value: Upload | Path | Attachment) -> str:
        """Upload a file for this interaction only."""
        stored = as_attachment(self._core, self._channel, value)
        return self._put("attachments", stored.id, attachment_json(stored))

    def message(self, message: Message) -> str:
        """Add the target of a message menu; its content is always shown."""
        body = message_json(self._core.world, message, viewer_id=self._core.bot.id)
        return self._put("messages", message.id, body)

    def _put(self, kind: str, key: int, body: Json) -> str:
        self.body.setdefault(kind, {})[str(key)] = body
        return str(key)


def as_attachment(core: Core, channel: Channel, value: Upload | Path | Attachment) -> Attachment:
    """A file of the member's as an ephemeral attachment."""
    if isinstance(value, Attachment):
        return value
    if isinstance(value, Path):
        value = Upload(value.name, value.read_bytes())
    return store(core.world, channel.id, value, ephemeral=True)


def command_data(
    core: Core,
    user_id: int,
    channel: Channel,
    offer: Offer,
    given: Mapping[str, Any],
    *,
    focused: str | None = None,
) -> Json:
    """The ``data`` of a slash command (or of autocompletion, for the ``focused`` option).

    Raises BadOption for what Discord's client would not send.
    """
    resolved = Resolved(core, channel)
    locale = core.world.users[user_id].locale
    values: list[Json] = []
    left = dict(given)
    for option in offer.options:
        key = next(
            (k for k in (option["name"], localised(option, "name", locale)) if k in left), None
        )
        if key is None:
            if option.get("required") and focused is None:
                raise BadOption(f"/{offer.path}: {option['name']} is required")
            continue
        value = left.pop(key)
        entry: Json = {"type": option["type"], "name": option["name"]}
        if key == focused or option["name"] == focused:
            # What is being typed is sent as it stands, whatever the option's type.
            entry |= {"value": str(value), "focused": True}
        else:
            entry["value"] = _convert(core, user_id, channel, option, value, resolved, offer.path)
        values.append(entry)
    if left:
        raise BadOption(f"/{offer.path} has no option {', '.join(left)}")
    return _nest(core, offer, values, resolved)


def menu_data(core: Core, channel: Channel, offer: Offer, target: Message | User) -> Json:
    """The ``data`` of a context menu entry used on a message or a user."""
    resolved = Resolved(core, channel)
    target_id = (
        resolved.message(target) if isinstance(target, Message) else resolved.user(target.id)
    )
    return _head(offer) | {"target_id": target_id, "resolved": resolved.body}


def describe(offer: Offer, given: Mapping[str, Any]) -> str:
    """The command as a member typed it, for the transcript."""
    if offer.command.kind != CommandKind.SLASH:
        return f"menu {offer.path!r}"
    parts = [f"{name}:{_short(value)}" for name, value in given.items()]
    return " ".join([f"/{offer.path}", *parts])


def _short(value: Any) -> str:
    if isinstance(value, Upload | Attachment):
        return f"[file {value.filename}]"
    return str(getattr(value, "name", value))


def _head(offer: Offer) -> Json:
    command = offer.command
    head: Json = {"id": str(command.id), "name": command.name, "type": command.kind}
    if command.guild_id:
        head["guild_id"] = str(command.guild_id)
    return head


def _nest(core: Core, offer: Offer, values: list[Json], resolved: Resolved) -> Json:
    """Wrap the values in their subcommand and group, from the inside out."""
    trail = offer.path.split(" ")[1:]
    options = values
    for depth, name in reversed(list(enumerate(trail))):
        inner = depth == len(trail) - 1
        kind = OptionKind.SUBCOMMAND if inner else OptionKind.GROUP
        options = [{"type": int(kind), "name": name, "options": options}]
    data = _head(offer)
    if options:
        data["options"] = options
    if resolved.body:
        data["resolved"] = resolved.body
    return data


def _convert(
    core: Core,
    user_id: int,
    channel: Channel,
    option: Json,
    value: Any,
    resolved: Resolved,
    path: str,
) -> Any:
    kind = OptionKind(option["type"])
    where = f"/{path} {option['name']}"
    if option.get("choices"):
        return _choice(core, user_id, option, value, where)
    if kind is OptionKind.STRING:
        return _text(option, value, where)
    if kind in (OptionKind.INTEGER, OptionKind.NUMBER):
        return _number(option, kind, value, where)
    if kind is OptionKind.BOOLEAN:
        if not isinstance(value, bool):
            raise BadOption(f"{where}: {value!r} is not true or false")
        return value
    if kind is OptionKind.ATTACHMENT:
        return resolved.attachment(value)
    guild = core.world.guild_of(channel)
    return snowflake(core, user_id, guild, kind, value, resolved, where, option)


def snowflake(
    core: Core,
    user_id: int,
    guild: Guild | None,
    kind: OptionKind,
    value: Any,
    resolved: Resolved,
    where: str,
    option: Json,
) -> str:
    """A user, role or channel, named by record, by anything with an ``id``, or by id."""
    key = int(getattr(value, "id", value))
    if kind in (OptionKind.USER, OptionKind.MENTIONABLE) and key in core.world.users:
        return resolved.user(key)
    if kind in (OptionKind.ROLE, OptionKind.MENTIONABLE) and guild and key in guild.roles:
        return resolved.role(guild.roles[key])
    if kind is OptionKind.CHANNEL and guild and key in guild.channels:
        found = guild.channels[key]
        if option.get("channel_types") and found.kind not in option["channel_types"]:
            raise BadOption(f"{where}: {found.name} is of the wrong type")
        return resolved.channel(found, user_id)
    raise BadOption(f"{where}: {value!r} is no {kind.name.lower()} here")


def _choice(core: Core, user_id: int, option: Json, value: Any, where: str) -> Any:
    locale = core.world.users[user_id].locale
    for choice in option["choices"]:
        if value in (choice["value"], choice["name"], localised(choice, "name", locale)):
            return choice["value"]
    names = ", ".join(str(c["name"]) for c in option["choices"])
    raise BadOption(f"{where}: {value!r} is none of {names}")


def _text(option: Json, value: Any, where: str) -> str:
    text = str(value)
    low, high = option.get("min_length", 0), option.get("max_length", 6000)
    if not max(low, 1) <= len(text) <= high:
        raise BadOption(f"{where}: must be {low} to {high} characters, not {len(text)}")
    return text


def _number(option: Json, kind: OptionKind, value: Any, where: str) -> int | float:
    whole = kind is OptionKind.INTEGER
    try:
        number: int | float = int(value) if whole else float(value)
    except (TypeError, ValueError):
        raise BadOption(f"{where}: {value!r} is not a number") from None
    low, high = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
    if not low <= number <= high or (whole and isinstance(value, float) and value % 1):
        raise BadOption(f"{where}: {value!r} is not within {low} to {high}")
    return number
