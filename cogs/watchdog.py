"""Keeps one server's voice connection alive, or says clearly that it cannot.

discord.py retries some closes for ever (4006, 4017), can hang on others (4015), and lets go of all
voice clients when the gateway begins a new session. So it is told not to reconnect, and this does:
force the old connection shut, make a fresh one, a bounded number of times.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import discord

from cogs.settings import DiscordSettings
from cogs.voice_client import ParleyVoice
from lobby.ports import VoiceFailed
from lobby.records import Why
from speech.playback import Playback

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 8.0
LOOK_EVERY_S = 0.5
STEADY_S = 60.0
"""A connection that held so long starts with a clean record."""

LOOK_AGAIN_S = 0.02
DROP_S = 2.0
"""How long Discord may take to confirm that we left, before we go on regardless."""

# Discord's voice close codes after which coming back at once is refused or wrong:
# 4021 too many attempts, 4022 the call was ended.
STAY_AWAY = frozenset({4021, 4022})


def wait_before_s(attempt: int, code: int | None, most: int) -> float | None:
    """Seconds before the fresh connection number ``attempt`` (from 0); None: give up."""
    if attempt >= most or code in STAY_AWAY:
        return None
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**attempt)


@dataclass(frozen=True)
class LinkStatus:
    """What ``/voice status`` says about the connection."""

    channel_id: int = 0
    connected: bool = False
    encrypted: bool = False
    last_close: int | None = None
    mended: int = 0


class Link:
    """One server's connection. ``go`` and ``close`` may be called at any time, in any order.

    ``thrown_out`` is awaited when somebody disconnected Parley; ``lost`` when mending failed.
    """

    def __init__(
        self,
        client: discord.Client,
        guild_id: int,
        playback: Playback,
        settings: DiscordSettings,
        online: asyncio.Event,
        *,
        thrown_out: Callable[[int], Awaitable[None]],
        lost: Callable[[int, int, Why], Awaitable[None]],
    ) -> None:
        self._client = client
        self._guild_id = guild_id
        self._playback = playback
        self._settings = settings
        self._online = online
        self._thrown_out = thrown_out
        self._lost = lost
        self._voice: ParleyVoice | None = None
        self._wanted = 0
        self._turn = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._last_close: int | None = None
        self._mended = 0

    @property
    def channel_id(self) -> int:
        """Where Parley is, or is getting back to; 0 for nowhere."""
        if self._voice is not None and self._voice.healthy():
            return self._voice.channel.id
        return self._wanted

    def status(self) -> LinkStatus:
        """How the connection is."""
        voice = self._voice
        return LinkStatus(
            channel_id=self.channel_id,
            connected=voice is not None and voice.healthy(),
            encrypted=voice is not None and bool(voice.voice_privacy_code),
            last_close=self._last_close,
            mended=self._mended,
        )

    async def go(self, channel_id: int) -> None:
        """Be in this channel. Raises :class:`VoiceFailed` after a bounded number of attempts."""
        await self._stop_watching()
        async with self._turn:
            self._wanted = channel_id
            try:
                await self._reach(channel_id)
            except BaseException:
                self._wanted = 0
                raise
            self._watch = asyncio.create_task(self._keep(), name="voice watchdog")

    async def close(self) -> None:
        """Be nowhere. Never fails."""
        await self._stop_watching()
        async with self._turn:
            self._wanted = 0
            await self._drop()

    async def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch is not asyncio.current_task():
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _reach(self, channel_id: int) -> None:
        """Move there, or connect afresh, trying more than once."""
        if self._voice is not None and self._voice.healthy():
            if self._voice.channel.id == channel_id:
                return
            with suppress(TimeoutError):
                channel = self._channel(channel_id)
                await self._voice.move_to(channel, timeout=self._settings.voice_connect_s)
            if self._voice.healthy() and self._voice.channel.id == channel_id:
                return
        code = None
        for attempt in range(self._settings.voice_attempts):
            try:
                await self._connect(self._channel(channel_id))
            except discord.ConnectionClosed as closed:
                code = self._last_close = closed.code
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("guild %s: voice: %s", self._guild_id, type(error).__name__)
            else:
                return
            wait_s = wait_before_s(attempt, code, self._settings.voice_attempts)
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        raise VoiceFailed(Why.CONNECTION_FAILED)

    async def _connect(self, channel: discord.VoiceChannel | discord.StageChannel) -> None:
        await self._drop()
        await self._online.wait()
        made: list[ParleyVoice] = []

        def make(client: discord.Client, at: discord.abc.Connectable) -> ParleyVoice:
            made.append(ParleyVoice(client, at, heard=self._heard))
            return made[-1]

        connecting = asyncio.create_task(
            channel.connect(
                cls=make,
                timeout=self._settings.voice_connect_s,
                reconnect=False,
                self_deaf=True,
            )
        )
        await asyncio.sleep(0)  # it makes its client before it first waits
        ended = asyncio.create_task(made[0].ended.wait() if made else asyncio.sleep(0))
        try:
            await asyncio.wait({connecting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                # Disconnected in the middle: discord.py would go on waiting for an answer.
                raise VoiceFailed(Why.KICKED) if made[0].thrown_out else TimeoutError
            self._voice = connecting.result()
        finally:
            for task in (connecting, ended):
                task.cancel()
        if isinstance(channel, discord.StageChannel):
            with suppress(discord.HTTPException):
                await channel.guild.me.edit(suppress=False)
        self._heard(self._voice, True)

    def _heard(self, voice: ParleyVoice, heard: bool) -> None:
        """Whether what is played now reaches anybody; meanwhile replies wait instead."""
        if voice is not self._voice:
            return
        if heard:
            self._playback.attach(voice)
        else:
            self._playback.detach()

    async def _drop(self) -> None:
        """Force the present connection shut, whatever state it is in."""
        guild = self._client.get_guild(self._guild_id)
        stray = guild.voice_client if guild else None
        mine, self._voice = self._voice, None
        if mine is not None:
            self._playback.detach()
        for voice in {id(v): v for v in (mine, stray) if v is not None}.values():
            if isinstance(voice, ParleyVoice) and voice.ended.is_set():
                continue
            try:
                async with asyncio.timeout(DROP_S):
                    await voice.disconnect(force=True)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.info("guild %s: leaving voice: %s", self._guild_id, type(error).__name__)
        await self._absent()

    async def _absent(self) -> None:
        """Wait until Discord has confirmed that we are in no channel.

        A new connection that heard the old one's leaving would take it for its own.
        """
        guild = self._client.get_guild(self._guild_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(DROP_S):
                # discord.py has no event that comes after its own bookkeeping of this.
                while guild is not None and guild.me.voice is not None:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_AGAIN_S)

    def _channel(self, channel_id: int) -> discord.VoiceChannel | discord.StageChannel:
        """The channel, if Parley may speak there now. Raises :class:`VoiceFailed`."""
        channel = self._client.get_channel(channel_id)
        if not isinstance(channel, discord.VoiceChannel | discord.StageChannel):
            raise VoiceFailed(Why.CHANNEL_DELETED)
        if missing_permissions(channel):
            raise VoiceFailed(Why.FORBIDDEN)
        me = channel.guild.me
        others = [user_id for user_id in channel.voice_states if user_id != me.id]
        full = 0 < channel.user_limit <= len(others)
        if full and not channel.permissions_for(me).move_members:
            raise VoiceFailed(Why.CHANNEL_FULL)
        return channel

    async def _keep(self) -> None:
        """Look after the connection until it is closed on purpose, thrown out or beyond mending."""
        loop = asyncio.get_running_loop()
        steady_since_s, losses = loop.time(), 0
        while self._voice is not None:
            voice = self._voice
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await voice.ended.wait()
            if voice.healthy():
                continue
            if loop.time() - steady_since_s > STEADY_S:
                losses = 0
            self._last_close = voice.close_code or self._last_close
            if voice.thrown_out:
                await self._give_up()
                await self._thrown_out(self._guild_id)
                return
            log.info("guild %s: voice closed with %s", self._guild_id, self._last_close)
            if not await self._mend(losses):
                return
            self._mended += 1
            losses += 1
            steady_since_s = loop.time()

    async def _mend(self, losses: int) -> bool:
        """Get back to where we were. ``losses``: how often that went wrong lately."""
        why = Why.CONNECTION_FAILED
        wait_s = wait_before_s(losses, self._last_close, self._settings.voice_attempts)
        if wait_s is not None:
            await asyncio.sleep(wait_s if losses else 0)
            try:
                async with self._turn:
                    await self._reach(self._wanted)
            except VoiceFailed as failed:
                why = failed.why
            else:
                return True
        channel_id = self._wanted
        await self._give_up()
        await self._lost(self._guild_id, channel_id, why)
        return False

    async def _give_up(self) -> None:
        async with self._turn:
            self._watch = None  # this very task: nobody has to wait for it
            self._wanted = 0
            await self._drop()


NEEDED = {"view_channel": "View Channel", "connect": "Connect", "speak": "Speak"}
"""Permissions without which Parley is not heard, as Discord's own pages name them in English."""


def missing_permissions(channel: discord.abc.GuildChannel) -> list[str]:
    """What Parley lacks to be heard in this channel; in English, ``Words.name`` translates."""
    allowed = channel.permissions_for(channel.guild.me)
    return [name for flag, name in NEEDED.items() if not getattr(allowed, flag)]
