"""discord.py's voice client, made to say when, how and by whom its connection was ended.

It reads two private attributes of discord.py 2.7 (``VoiceConnectionState._expecting_disconnect``
and the aiohttp socket inside its voice websocket); nothing else in Parley does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord
from discord.utils import MISSING

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState


class ParleyVoice(discord.VoiceClient):
    """Use with ``channel.connect(cls=ParleyVoice, reconnect=False)``."""

    def __init__(self, client: discord.Client, channel: discord.abc.Connectable) -> None:
        super().__init__(client, channel)
        self.ended = asyncio.Event()
        """Set once the connection is over for good."""
        self.thrown_out = False
        """Whether somebody disconnected us, rather than we ourselves or the network."""
        self._shut_since_s: float | None = None

    @property
    def close_code(self) -> int | None:
        """The code the voice websocket was closed with, if it was."""
        if self.ws is MISSING:
            return None
        return self.ws.ws.close_code

    def healthy(self) -> bool:
        """Whether the connection is up, or on a way up that discord.py is sure to finish soon.

        A session that Discord's gateway has replaced leaves clients behind that believe to be
        connected: those are not the server's voice client any more.
        """
        if self.ended.is_set():
            return False
        guild = self.client.get_guild(self.guild.id)
        if guild is None or guild.voice_client is not self:
            return False
        now_s = self.loop.time()
        shut = self.ws is MISSING or self.ws.ws.closed
        self._shut_since_s = (self._shut_since_s or now_s) if shut else None
        # After a move the old websocket closes before the new one opens.
        return self._shut_since_s is None or now_s - self._shut_since_s < 2.0

    async def on_voice_state_update(self, data: GuildVoiceState) -> None:
        """Called by discord.py with our own voice state."""
        channel_id: object = data["channel_id"]  # None too, whatever discord.py's types say
        if channel_id is None and not self._connection._expecting_disconnect:
            self.thrown_out = True
        await super().on_voice_state_update(data)

    def cleanup(self) -> None:
        """Called by discord.py when the connection is over."""
        super().cleanup()
        self.ended.set()
        task = asyncio.current_task()
        if task is not None and task.get_name() == "Voice websocket poller":
            # It will raise what closed the connection, to nobody: we know already.
            task.add_done_callback(lambda t: t.cancelled() or t.exception())
