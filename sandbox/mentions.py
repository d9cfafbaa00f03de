"""Who a message mentions, given ``allowed_mentions`` (Discord: Allowed Mentions Object)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.errors import bad_form
from sandbox.permissions import Permission
from sandbox.records import Channel, Json, Message
from sandbox.world import World

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"(?s)(`+).*?\1")
"""Between backticks nothing is a mention."""
_KINDS = ("users", "roles", "everyone")


@dataclass(frozen=True)
class Mentions:
    """The result: ids in order of appearance, and who is notified."""

    user_ids: list[int]
    role_ids: list[int]
    everyone: bool
    pinged: frozenset[int]


def check_allowed(allowed: Json | None) -> None:
    """Raise 50035 where Discord does: too many ids, unknown kinds, or a kind given twice."""
    if not allowed:
        return
    parse = allowed.get("parse") or []
    for index, kind in enumerate(parse):
        if kind not in _KINDS:
            raise bad_form(
                "allowed-mentions",
                f"allowed_mentions.parse.{index}",
                "BASE_TYPE_CHOICES",
                "Value must be one of ('everyone', 'users', 'roles').",
            )
    for kind in ("users", "roles"):
        ids = allowed.get(kind) or []
        if len(ids) > 100:
            raise bad_form(
                "allowed-mentions",
                f"allowed_mentions.{kind}",
                "BASE_TYPE_BAD_LENGTH",
                "Must be between 0 and 100 in length.",
            )
        if ids and kind in parse:
            raise bad_form(
                "allowed-mentions",
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )


def resolve(
    world: World,
    channel: Channel,
    author_id: int,
    content: str,
    allowed: Json | None,
    reply_to: Message | None,
) -> Mentions:
    """What the content mentions once ``allowed`` has been applied.

    Without ``allowed`` everything in the content counts, and a reply notifies its author.
    With it, only what it names does, and ``replied_user`` must be true for the reply.
    """
    content = _CODE.sub("", content)
    parse = (allowed or {}).get("parse") or [] if allowed is not None else list(_KINDS)
    named = {kind: {int(i) for i in (allowed or {}).get(kind) or []} for kind in ("users", "roles")}
    guild = world.guild_of(channel)
    users = [
        i
        for i in map(int, dict.fromkeys(_USER.findall(content)))
        if i in world.users and ("users" in parse or i in named["users"])
    ]
    loud = bool(world.permissions(author_id, channel) & Permission.MENTION_EVERYONE)
    roles = [
        i
        for i in map(int, dict.fromkeys(_ROLE.findall(content)))
        if guild
        and i in guild.roles
        and ("roles" in parse or i in named["roles"])
        and (loud or guild.roles[i].mentionable)
    ]
    everyone = bool(guild and loud and "everyone" in parse and _EVERYONE.search(content))
    replied = allowed is None or bool(allowed.get("replied_user"))
    if reply_to and replied and reply_to.author_id not in users:
        users.append(reply_to.author_id)
    return Mentions(users, roles, everyone, _pinged(world, channel, users, roles, everyone))


def _pinged(
    world: World, channel: Channel, users: list[int], roles: list[int], everyone: bool
) -> frozenset[int]:
    guild = world.guild_of(channel)
    if guild is None:
        return frozenset(i for i in users if i in channel.recipient_ids)
    people = {i for i in users if i in guild.members}
    for member in guild.members.values():
        if everyone or set(roles) & set(member.role_ids):
            people.add(member.user_id)
    return frozenset(i for i in people if world.permissions(i, channel) & Permission.VIEW_CHANNEL)
