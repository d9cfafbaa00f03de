"""What the world does to voice, told to the lobby: who came, went, was moved or muted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import discord
from discord.ext import commands

from cogs.house import House
from cogs.watchdog import missing_permissions
from lobby.records import Why
from storage.errors import StorageError

log = logging.getLogger(__name__)

TRIES = 5
FIRST_PAUSE_S = 0.2

VoiceLike = discord.VoiceChannel | discord.StageChannel


class VoiceEvents(commands.Cog):
    """Listens to the gateway; decides nothing."""

    def __init__(self, house: House) -> None:
        self._house = house

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Somebody came, went or was muted. Being thrown out is told by our own connection."""
        director, guild_id = self._house.director, member.guild.id
        channel_id = after.channel.id if after.channel else 0
        if member.id == member.guild.me.id:
            if channel_id:
                muted = after.mute or after.suppress
                await _insist(lambda: director.bot_voice_state(guild_id, channel_id, muted))
        elif not member.bot and before.channel != after.channel:
            await _insist(lambda: director.voice_state(member.id, guild_id, channel_id))

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is gone."""
        if isinstance(channel, VoiceLike):
            director = self._house.director
            await _insist(lambda: director.channel_deleted(channel.guild.id, channel.id))

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """A channel's permissions may have changed."""
        del before
        await self._check_permissions(after.guild)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """A role's permissions may have changed."""
        del before
        await self._check_permissions(after.guild)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Parley may have had that role."""
        await self._check_permissions(role.guild)

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """Parley's own roles may have changed."""
        if after.id == after.guild.me.id and before.roles != after.roles:
            await self._check_permissions(after.guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Parley is no longer in this server."""
        await _insist(lambda: self._house.director.guild_removed(guild.id))

    @commands.Cog.listener()
    async def on_member_ban(
        self, guild: discord.Guild, user: discord.User | discord.Member
    ) -> None:
        """A member was banned."""
        await _insist(lambda: self._house.director.member_gone(user.id, guild.id))

    @commands.Cog.listener()
    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        """A member left or was kicked; Discord says so only with the members intent."""
        director = self._house.director
        await _insist(lambda: director.member_gone(payload.user.id, payload.guild_id))

    @commands.Cog.listener()
    async def on_disconnect(self) -> None:
        """The gateway is lost."""
        self._house.rooms.gateway(up=False)
        await _insist(self._house.director.gateway_down)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """A new session with the gateway."""
        await self._ready()

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """The old session goes on."""
        await self._ready()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is back after an outage: who is in voice there is known again."""
        del guild
        if self._house.client.is_ready():
            await self._ready()

    async def _ready(self) -> None:
        self._house.rooms.gateway(up=True)
        present = {
            guild.id: {
                user_id: channel.id
                for channel in (*guild.voice_channels, *guild.stage_channels)
                for user_id in channel.voice_states
                if user_id != guild.me.id
            }
            for guild in self._house.client.guilds
            if not guild.unavailable
        }
        await _insist(lambda: self._house.director.ready(present))

    async def _check_permissions(self, guild: discord.Guild) -> None:
        """Whether Parley may still speak where it speaks."""
        channel_id = self._house.rooms.where(guild.id)
        channel = guild.get_channel(channel_id) if channel_id else None
        if channel is not None and missing_permissions(channel):
            director = self._house.director
            await _insist(lambda: director.connection_lost(guild.id, channel_id, Why.FORBIDDEN))


async def _insist(news: Callable[[], Awaitable[None]]) -> None:
    """Tell the lobby; what it does not hear is lost until the next start, so try more than once."""
    pause_s = FIRST_PAUSE_S
    for _ in range(TRIES - 1):
        try:
            await news()
        except StorageError as error:
            log.warning("the lobby did not hear the news: %s", type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s *= 2
        else:
            return
    await news()
