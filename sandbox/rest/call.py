"""One REST call, parsed: its parameters, JSON body and files."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from sandbox.checks.messages import Draft
from sandbox.deeds.interactions import draft_of
from sandbox.errors import ApiError, bad_form, missing_access, missing_permissions
from sandbox.payloads import gateway_url
from sandbox.permissions import Permission, in_guild, names
from sandbox.records import Channel, ChannelKind, Guild, Json
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.core import Core

Result = Json | list[Any] | None
"""What a handler answers: JSON, or None for 204."""


@dataclass
class Call:
    """A call that has passed authentication and limits."""

    core: Core
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    data: Any = None
    uploads: list[Upload] = field(default_factory=list)
    reason: str | None = None
    host: str = "discord.com"

    @property
    def gateway_url(self) -> str:
        """Where the gateway is, for this client."""
        return gateway_url(self.host)

    def id(self, name: str) -> int:
        """A snowflake from the path. Raises 50035."""
        text = self.params[name]
        if text == "@me":
            return self.core.bot.id
        if not text.isdigit():
            raise bad_form("form", name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
        return int(text)

    @property
    def body(self) -> Json:
        """The JSON object of the body; empty if there was none. Raises 50035."""
        if self.data is None:
            return {}
        if not isinstance(self.data, dict):
            raise bad_form("form", "", "DICT_TYPE_CONVERT", "Only dictionaries may be used.")
        return self.data

    @property
    def items(self) -> list[Json]:
        """The JSON array of the body. Raises 50035."""
        if not isinstance(self.data, list):
            raise bad_form("form", "", "LIST_TYPE_CONVERT", "Only iterables may be used in a list.")
        return self.data

    def draft(self) -> Draft:
        """The body as a message."""
        return draft_of(self.body, self.uploads)

    def limit(self, default: int, most: int) -> int:
        """``?limit=`` within bounds. Raises 50035."""
        value = int(self.query.get("limit", default))
        if not 1 <= value <= most:
            raise bad_form(
                "form", "limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {most}."
            )
        return value

    def channel(self) -> Channel:
        """The channel of the path, which the bot can see. Raises 10003, 50001."""
        channel = self.core.world.channel(self.id("channel_id"))
        bits = self.core.world.permissions(self.core.bot.id, channel)
        if not bits & Permission.VIEW_CHANNEL:
            raise missing_access()
        return channel

    def need(self, channel: Channel, permission: Permission) -> None:
        """Raise 50013 unless the bot has these bits in the channel."""
        bits = self.core.world.permissions(self.core.bot.id, channel)
        if missing := permission & ~bits:
            raise missing_permissions(", ".join(names(missing)))

    def guild(self) -> Guild:
        """The guild of the path, which the bot is in. Raises 10004."""
        guild = self.core.world.guild(self.id("guild_id"))
        if self.core.bot.id not in guild.members:
            raise ApiError(403, 50001, "Missing Access")
        return guild

    def need_in_guild(self, guild: Guild, permission: Permission) -> None:
        """Raise 50013 unless the bot has these bits in the guild."""
        bits = in_guild(guild, guild.members[self.core.bot.id])
        if missing := permission & ~bits:
            raise missing_permissions(", ".join(names(missing)))

    def guild_channel(self) -> tuple[Guild, Channel]:
        """A channel of a guild. Raises 50003 for direct messages."""
        channel = self.channel()
        guild = self.core.world.guild_of(channel)
        if guild is None or channel.kind is ChannelKind.DM:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel", rule="channel")
        return guild, channel


Handler = Callable[[Call], Result | Awaitable[Result]]


@dataclass(frozen=True)
class Route:
    """``template`` is a path with ``{names}``; ``open`` routes need no bot token."""

    method: str
    template: str
    handler: Handler
    open: bool = False


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The JSON and the files of a request. Raises 50109 and 50035."""
    if not request.can_read_body:
        return None, []
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    text = await request.text()
    if not text:
        return None, []
    if request.content_type != "application/json":
        raise bad_form(
            "content-type", "", "CONTENT_TYPE_INVALID", "Expected application/json or multipart."
        )
    return _decode(text), []


async def _read_multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    data: Any = {}
    files: dict[str, Upload] = {}
    reader = await request.multipart()
    async for part in reader:
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        if name == "payload_json":
            data = _decode(await part.text())
        elif name.startswith("files[") or part.filename:
            index = name.removeprefix("files[").removesuffix("]")
            body = bytes(await part.read(decode=True))
            kind = part.headers.get("Content-Type")
            files[index] = Upload(part.filename or "unknown", body, kind)
        else:
            data[name] = await part.text()
    holder = data.get("data") if isinstance(data.get("data"), dict) else data
    return data, _described(holder, files)


def _described(holder: Json, files: dict[str, Upload]) -> list[Upload]:
    """Join the files with what ``attachments`` says about them (by ``id`` = file index)."""
    notes = {str(a.get("id")): a for a in holder.get("attachments") or []}
    uploads = []
    for index, upload in files.items():
        note = notes.get(index, {})
        name = note.get("filename") or upload.filename
        duration = note.get("duration_secs")
        uploads.append(
            Upload(
                name,
                upload.data,
                note.get("content_type") or upload.content_type,
                note.get("description"),
                None if duration is None else float(duration),
                note.get("waveform"),
            )
        )
    return uploads


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ApiError(
            400, 50109, "The request body contains invalid JSON.", rule="invalid-json"
        ) from None
