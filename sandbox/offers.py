"""Which commands Discord shows to whom, and where (Application Commands > Permissions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.checks.commands import CommandKind, OptionKind
from sandbox.errors import NotOffered
from sandbox.permissions import Permission, in_guild, names
from sandbox.records import Channel, ChannelKind, Command, Guild, Json

if TYPE_CHECKING:
    from sandbox.core import Core

_GUILD_CONTEXT, _DIRECT_CONTEXT = 0, 1


@dataclass(frozen=True)
class Offer:
    """A command as a member types it: ``path`` is ``"voice join"``, ``options`` its own options.

    ``label`` and ``description`` are in the member's language where the command has it.
    """

    command: Command
    path: str
    label: str
    description: str
    options: tuple[Json, ...]


def offers(core: Core, user_id: int, channel: Channel) -> list[Offer]:
    """Every command and menu entry the member is shown in this channel, by path."""
    locale = core.world.users[user_id].locale
    found = [
        offer
        for command in _candidates(core, channel)
        if why_hidden(core, user_id, channel, command) is None
        for offer in _leaves(command, locale)
    ]
    return sorted(found, key=lambda o: o.path)


def find(core: Core, user_id: int, channel: Channel, path: str, kind: CommandKind) -> Offer:
    """The command of this path or localised label. Raises NotOffered and says why."""
    locale = core.world.users[user_id].locale
    hidden: list[str] = []
    for command in _candidates(core, channel):
        if command.kind != kind:
            continue
        for offer in _leaves(command, locale):
            if path not in (offer.path, offer.label):
                continue
            reason = why_hidden(core, user_id, channel, command)
            if reason is None:
                return offer
            hidden.append(reason)
    if hidden:
        raise NotOffered(f"{path!r} is hidden here: {hidden[0]}")
    known = sorted({o.path for c in _candidates(core, channel) for o in _leaves(c, locale)})
    raise NotOffered(f"there is no {path!r}; registered: {', '.join(known) or 'nothing'}")


def why_hidden(core: Core, user_id: int, channel: Channel, command: Command) -> str | None:
    """Why Discord does not show the command to this member here; None if it does."""
    contexts = command.shape.get("contexts")
    guild = core.world.guild_of(channel)
    if guild is None:
        if channel.kind is not ChannelKind.DM or core.bot.id not in channel.recipient_ids:
            return "the bot is not here"
        direct = (
            _DIRECT_CONTEXT in contexts
            if contexts is not None
            else command.shape.get("dm_permission") is not False and command.guild_id is None
        )
        return None if direct else "not in direct messages"
    if core.bot.id not in guild.members:
        return "the bot is not in this server"
    if contexts is not None and _GUILD_CONTEXT not in contexts:
        return "not in servers"
    if not core.world.permissions(user_id, channel) & Permission.USE_APPLICATION_COMMANDS:
        return "no permission to use application commands in this channel"
    if command.shape.get("nsfw") and not channel.nsfw:
        return "only in age-restricted channels"
    return _why_forbidden(core, guild, user_id, channel, command)


def _why_forbidden(
    core: Core, guild: Guild, user_id: int, channel: Channel, command: Command
) -> str | None:
    member = guild.members[user_id]
    if in_guild(guild, member) & Permission.ADMINISTRATOR:
        return None
    overrides = command.overrides.get(guild.id, {})
    # Discord names "all channels" with the guild's id minus one.
    if overrides.get(channel.id, overrides.get(guild.id - 1, True)) is False:
        return "switched off for this channel in the server's settings"
    if user_id in overrides:
        return None if overrides[user_id] else "switched off for this member"
    roles = [overrides[r] for r in member.role_ids if r in overrides]
    if roles:
        return None if any(roles) else "switched off for this member's roles"
    if guild.id in overrides:
        return None if overrides[guild.id] else "switched off for @everyone"
    default = command.shape.get("default_member_permissions")
    if default is None:
        return None
    if int(default) == 0:
        return "for administrators only"
    missing = Permission(int(default)) & ~core.world.permissions(user_id, channel)
    return f"needs {', '.join(names(missing))}" if missing else None


def _candidates(core: Core, channel: Channel) -> list[Command]:
    """The server's own commands first: they stand in front of global ones of the same name."""
    commands = core.world.commands.values()
    local = [c for c in commands if c.guild_id is not None and c.guild_id == channel.guild_id]
    return local + [c for c in commands if c.guild_id is None]


def _leaves(command: Command, locale: str) -> list[Offer]:
    label = localised(command.shape | {"name": command.name}, "name", locale)
    return _walk(command, command.name, label, command.shape, locale)


def _walk(command: Command, path: str, label: str, part: Json, locale: str) -> list[Offer]:
    options: list[Json] = part.get("options") or []
    nested = [o for o in options if o["type"] in (OptionKind.SUBCOMMAND, OptionKind.GROUP)]
    if not nested:
        return [Offer(command, path, label, localised(part, "description", locale), tuple(options))]
    return [
        offer
        for option in nested
        for offer in _walk(
            command,
            f"{path} {option['name']}",
            f"{label} {localised(option, 'name', locale)}",
            option,
            locale,
        )
    ]


def localised(part: Json, key: str, locale: str) -> str:
    """A name or description in the member's language, else as registered."""
    return str((part.get(f"{key}_localizations") or {}).get(locale) or part.get(key) or "")
