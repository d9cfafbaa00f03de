"""The real discord.py client pointed at a sandbox, and a small server to meet it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord import app_commands

from cogs.elsewhere import Elsewhere
from sandbox.actor import Actor
from sandbox.records import Channel, Guild
from sandbox.server import Sandbox


class Bot(discord.Client):
    """A plain discord.py client with a command tree, and a queue of what it was told."""

    def __init__(self, sandbox: Sandbox, intents: discord.Intents | None = None) -> None:
        host, port = sandbox.address
        super().__init__(
            intents=intents or discord.Intents.all(),
            connector=Elsewhere(host, port, sandbox.ca_file).connector(),
            # By default discord.py waits two seconds for late guilds before it is ready.
            guild_ready_timeout=0.05,
        )
        self.sandbox = sandbox
        self.tree = app_commands.CommandTree(self)
        self.told: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.up = asyncio.Event()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once; by default discord.py waits five seconds before a second time."""

    async def on_ready(self) -> None:
        self.up.set()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.told.put_nowait(message)

    def home(self) -> discord.Guild:
        """The only guild."""
        return self.guilds[0]

    def text(self) -> discord.TextChannel:
        """Its first text channel."""
        return self.home().text_channels[0]


@dataclass
class Home:
    """A server with one text and one voice channel, an owner, Ann and Ben."""

    guild: Guild
    general: Channel
    lounge: Channel
    owner: Actor
    ann: Actor
    ben: Actor


Connect = Callable[..., Awaitable[Bot]]


class RawGateway:
    """A gateway client without manners, for what discord.py never does."""

    def __init__(self, sandbox: Sandbox, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._sandbox = sandbox
        self.socket = socket

    async def send(self, op: int, data: object) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, **changes: object) -> None:
        properties = {"os": "linux", "browser": "raw", "device": "raw"}
        body = {"token": self._sandbox.token, "intents": 0, "properties": properties}
        await self.send(2, body | changes)

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of this name, or frame of this op ("op 11")."""
        while True:
            frame = await self.socket.receive_json(timeout=5)
            if name in (frame["t"], f"op {frame['op']}"):
                return frame["d"]

    async def close_code(self) -> int | None:
        """Read until the server closes."""
        async for _ in self.socket:
            pass
        return self.socket.close_code


@asynccontextmanager
async def raw_gateway(
    sandbox: Sandbox, query: str = "v=10&encoding=json"
) -> AsyncIterator[RawGateway]:
    host, port = sandbox.address
    connector = Elsewhere(host, port, sandbox.ca_file).connector()
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"wss://gateway.discord.gg/?{query}") as socket,
    ):
        yield RawGateway(sandbox, socket)
