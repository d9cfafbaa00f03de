"""discord.py's voice client, made to say when, how and by whom its connection was ended.

Undocumented things of discord.py 2.7 are used here and nowhere else: ``VoiceConnectionState``, its
message hook and its reader, ``poll_event`` of the voice websocket, and the socket inside that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import discord
from discord.gateway import DiscordVoiceWebSocket
from discord.utils import MISSING
from discord.voice_state import ConnectionFlowState, VoiceConnectionState

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState

SHUT_S = 2.0
"""After a move or a crash of the server the old websocket closes before the new one opens."""


class ParleyVoice(discord.VoiceClient):
    """Use with ``channel.connect(cls=ParleyVoice, reconnect=False)``.

    ``heard(self, False)`` is called when the websocket closes: what is played then goes nowhere,
    whatever discord.py thinks of it. ``heard(self, True)`` once another has opened.
    """

    def __init__(
        self,
        client: discord.Client,
        channel: discord.abc.Connectable,
        *,
        heard: Callable[[ParleyVoice, bool], None] = lambda _voice, _heard: None,
    ) -> None:
        self._heard = heard
        self.ended = asyncio.Event()
        """Set once the connection is over for good."""
        self.thrown_out = False
        """Whether somebody disconnected us, rather than we ourselves or the network."""
        self.close_code: int | None = None
        """The code the voice websocket was closed with last, if it was."""
        self._shut_since_s: float | None = None
        self._closing: asyncio.Task[None] | None = None
        super().__init__(client, channel)

    def create_connection_state(self) -> VoiceConnectionState:
        """Called by discord.py."""
        return VoiceConnectionState(self, hook=self._on_message)

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
        shut = self.ws is MISSING or self.ws.ws.closed or self.ws.ws.close_code is not None
        self._shut_since_s = (self._shut_since_s or now_s) if shut else None
        return self._shut_since_s is None or now_s - self._shut_since_s < SHUT_S

    async def on_voice_state_update(self, data: GuildVoiceState) -> None:
        """Called by discord.py with our own voice state."""
        channel_id: object = data["channel_id"]  # None too, whatever discord.py's types say
        # discord.py calls itself disconnected before it asks to leave.
        leaving = self._connection.state is ConnectionFlowState.disconnected
        if channel_id is None and not leaving:
            await self._be_thrown_out()
        else:
            await super().on_voice_state_update(data)

    async def _be_thrown_out(self) -> None:
        """End it here. discord.py would ask Discord to leave, perhaps a server we are not in."""
        self.thrown_out = True
        await self._connection.soft_disconnect(with_state=ConnectionFlowState.disconnected)
        self._connection._socket_reader.stop()
        self.stop()
        self.cleanup()

    def cleanup(self) -> None:
        """Called by discord.py when the connection is over."""
        super().cleanup()
        self.ended.set()
        self._heard(self, False)
        if self.ws is not MISSING:
            # discord.py leaves it open, and its heartbeat beating, when the gateway is gone too.
            self._closing = asyncio.create_task(self.ws.close())
        _expect_failure()

    async def _on_message(self, ws: DiscordVoiceWebSocket, message: dict[str, Any]) -> None:
        """Called by discord.py with each message; the first of a websocket is HELLO."""
        if message["op"] == ws.HELLO:
            # discord.py keeps the code to itself, and closing the socket again overwrites it.
            ws.poll_event = self._noting(ws.poll_event)  # type: ignore[method-assign]
        elif message["op"] == ws.SESSION_DESCRIPTION:
            self._heard(self, True)

    def _noting(self, poll: Callable[[], Awaitable[None]]) -> Callable[[], Any]:
        async def poll_and_note() -> None:
            try:
                await poll()
            except discord.ConnectionClosed as closed:
                _expect_failure()
                self.close_code = closed.code
                self._heard(self, False)
                raise

        return poll_and_note


def _expect_failure() -> None:
    """discord.py's poller may raise what closed the connection, to nobody: we know already."""
    task = asyncio.current_task()
    if task is not None and task.get_name() == "Voice websocket poller":
        task.add_done_callback(lambda t: t.cancelled() or t.exception())
