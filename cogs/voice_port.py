"""Parley's voice connections, one in each server: the lobby's ``VoicePort`` made of discord.py.

A server has a :class:`Room`: the connection, kept by a watchdog, and the player with its speech
queue. The room outlives reconnects: what waits to be spoken is not lost with a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord

from cogs.settings import DiscordSettings
from cogs.watchdog import Link, LinkStatus
from lobby.records import Why
from speech.playback import Playback
from speech.player import Player
from speech.settings import SpeechSettings

ThrownOut = Callable[[int], Awaitable[None]]
Lost = Callable[[int, int, Why], Awaitable[None]]


@dataclass(frozen=True)
class Room:
    """What belongs to one server's voice."""

    link: Link
    player: Player


class Rooms:
    """All rooms. An async context manager: leaving it leaves every channel."""

    def __init__(
        self,
        client: discord.Client,
        settings: DiscordSettings,
        speech: SpeechSettings,
        *,
        thrown_out: ThrownOut,
        lost: Lost,
    ) -> None:
        self._client = client
        self._settings = settings
        self._speech = speech
        self._thrown_out = thrown_out
        self._lost = lost
        self._rooms: dict[int, Room] = {}
        self._closes: dict[int, int] = {}
        self._online = asyncio.Event()

    async def __aenter__(self) -> Rooms:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._online.set()
        await asyncio.gather(*(self.leave(guild_id) for guild_id in list(self._rooms)))

    # The lobby's VoicePort.

    async def connect(self, guild_id: int, channel_id: int) -> None:
        """Be connected to this channel. Raises ``lobby.ports.VoiceFailed``."""
        room = self._rooms.get(guild_id) or self._open(guild_id)
        try:
            await room.link.go(channel_id)
        except BaseException:
            if room.link.channel_id == 0:
                await self.leave(guild_id)
            raise

    async def move(self, guild_id: int, channel_id: int) -> None:
        """Go to another channel of this server. Raises ``lobby.ports.VoiceFailed``."""
        await self.connect(guild_id, channel_id)

    async def leave(self, guild_id: int) -> None:
        """Be connected nowhere in this server; what still plays stops."""
        if room := self._rooms.pop(guild_id, None):
            await room.player.close()
            await room.link.close()
            if code := room.link.status().last_close:
                self._closes[guild_id] = code

    async def silence(self, guild_id: int, person_id: int) -> None:
        """Stop and forget what this person has in the speech queue of this server."""
        if room := self._rooms.get(guild_id):
            room.player.stop(person_id)

    def where(self, guild_id: int) -> int:
        """The channel Parley is connected to in this server, 0 for none."""
        room = self._rooms.get(guild_id)
        return room.link.channel_id if room else 0

    # What the surface needs.

    def player(self, guild_id: int) -> Player | None:
        """What speaks in this server, if Parley is in a voice channel there."""
        room = self._rooms.get(guild_id)
        return room.player if room else None

    def status(self, guild_id: int) -> LinkStatus:
        """How this server's connection is; of one that is over, why it ended."""
        room = self._rooms.get(guild_id)
        return room.link.status() if room else LinkStatus(last_close=self._closes.get(guild_id))

    def gateway(self, *, up: bool) -> None:
        """Discord's gateway came or went; nothing is connected while it is away."""
        if up:
            self._online.set()
        else:
            self._online.clear()

    def _open(self, guild_id: int) -> Room:
        playback = Playback(self._speech)
        link = Link(
            self._client,
            guild_id,
            playback,
            self._settings,
            self._online,
            thrown_out=self._thrown_out,
            lost=self._lost,
        )
        room = self._rooms[guild_id] = Room(link, Player(playback, self._speech))
        return room
