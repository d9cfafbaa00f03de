"""A small town for stories: a Discord on localhost, the real bot, a scripted language model.

Nothing is mocked: the bot is the one that ``bot.py`` composes, over real sockets, with a real
database, real speech workers and real voice connections.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from bot import start_bot
from cogs.client import Parley
from cogs.house import House
from lobby.errors import LobbyAway
from sandbox.actor import Actor
from sandbox.records import Channel, Guild, Interaction, Message, MessageFlag
from sandbox.server import Sandbox
from settings import Settings
from tests.support.endpoint import Endpoint

T = TypeVar("T")

DONE_S = 30.0
"""Longest wait for one answer; a story that works needs a fraction of it."""


class Town:
    """One server with people in it, and Parley, who can be switched off and on."""

    def __init__(self, sandbox: Sandbox, endpoint: Endpoint, folder: Path) -> None:
        self.sandbox = sandbox
        self.endpoint = endpoint
        self.guild: Guild = sandbox.add_guild("Harbour", text=("general",), voice=("lounge", "den"))
        self.general = sandbox.channel(self.guild, "general")
        self.lounge = sandbox.channel(self.guild, "lounge")
        self.den = sandbox.channel(self.guild, "den")
        self.amy = sandbox.add_member(self.guild, "amy")
        self.ben = sandbox.add_member(self.guild, "ben")
        self.owner = sandbox.owner(self.guild)
        self.bot: Parley | None = None
        settings = Settings()
        self.settings = replace(
            settings,
            discord=replace(settings.discord, edit_gap_s=0.05),
            model=replace(
                settings.model,
                base_url=endpoint.base_url,
                api_key=SecretStr("key"),
                retries=0,
            ),
            storage=replace(settings.storage, url=f"sqlite:///{folder}/town.db"),
        )
        self._stack = AsyncExitStack()

    def set(self, section: str, **values: Any) -> None:
        """Change settings before the bot starts."""
        changed = replace(getattr(self.settings, section), **values)
        self.settings = replace(self.settings, **{section: changed})

    async def start(self, *, wait: bool = True) -> Parley:
        """Switch Parley on and wait until its commands are there, and voice too unless told not."""
        sandbox = self.sandbox
        self.bot = await self._stack.enter_async_context(
            start_bot(self.settings, sandbox.address, sandbox.ca_file, sandbox.token)
        )
        await sandbox.until_online()
        await self.until(lambda: any(offer.path == "chat" for offer in self.amy.offers()))
        if not wait:
            return self.bot
        await self.bot.wait_until_ready()
        async with asyncio.timeout(DONE_S):
            while isinstance(self.house.director.why_silent(0, 0), LobbyAway):
                await self.house.director.changed(self.house.director.view().version)
        return self.bot

    @property
    def house(self) -> House:
        """What is behind the running bot; stories look at it, never reach into it."""
        assert self.bot is not None
        return self.bot.house

    async def stop(self) -> None:
        """Switch Parley off as SIGTERM does."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        await self.sandbox.until(lambda: not self.sandbox.online)

    async def restart(self) -> None:
        """Off and on again."""
        await self.stop()
        await self.start()

    # --- looking

    async def until(self, predicate: Callable[[], T], timeout_s: float = DONE_S) -> T:
        """Wait until something is true, and return it; a failure prints the transcript."""
        return await self.sandbox.until(predicate, timeout_s)

    def said(self, where: Channel | None = None) -> list[Message]:
        """What Parley wrote and everybody can see, oldest first."""
        found = self.sandbox.messages(where or self.general, by=self.sandbox.bot)
        return [m for m in found if not m.ephemeral and not m.loading]

    async def answers(self, count: int, where: Channel | None = None) -> list[Message]:
        """The last messages of ``count`` finished answers."""
        return await self.until(lambda: _at_least(count, self._finished(where)))

    def _finished(self, where: Channel | None) -> list[Message]:
        return [m for m in self.said(where) if "Regenerate" in labels(m)]

    async def chat(self, who: Actor, text: str, **options: Any) -> Message:
        """``/chat``, and its finished answer (the last of its messages)."""
        asked = await who.command("chat", text=text, **options)
        return await self.until(lambda: finished(asked))

    async def told(self, asked: Interaction) -> str:
        """What only the one who asked can read in answer."""
        message = await self.until(
            lambda: next((m for m in asked.messages if m.ephemeral and not m.loading), None)
        )
        return message.content

    async def joined(self, who: Actor, channel: Channel | None = None) -> None:
        """``who`` is in a voice channel and has a voice session there."""
        channel = channel or self.lounge
        await who.join_voice(channel)
        await self.told(await who.command("voice join"))
        await self.until(lambda: self.bot_channel() == channel.id)

    def bot_channel(self) -> int:
        """The voice channel Parley is in, 0 for none."""
        state = self.guild.voice_states.get(self.sandbox.bot.id)
        return state.channel_id if state else 0


def _at_least(count: int, found: list[Message]) -> list[Message]:
    return found if len(found) >= count else []


def labels(message: Message) -> list[str]:
    """The labels of a message's buttons."""
    return [
        str(part.get("label")) for row in message.components for part in row.get("components", ())
    ]


def finished(asked: Interaction) -> Message | None:
    """The last message of an answer, once it is complete."""
    return next((m for m in asked.messages if "Regenerate" in labels(m)), None)


def text_of(message: Message) -> str:
    """A message without the small lines under it."""
    lines = message.content.split("\n")
    while lines and lines[-1].startswith("-# "):
        lines.pop()
    return "\n".join(lines)


def notes_of(message: Message) -> list[str]:
    """The small lines under it."""
    return [line[3:] for line in message.content.split("\n") if line.startswith("-# ")]


def is_voice_message(message: Message) -> bool:
    """Whether it is a native voice message."""
    return bool(message.flags & MessageFlag.VOICE_MESSAGE)


@asynccontextmanager
async def process(town: Town, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Parley of its own in this town; killed at the end, if it still runs."""
    host, port = town.sandbox.address
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "bot.py", "run", "--discord", f"{host}:{port}"),
        *("--ca", str(town.sandbox.ca_file)),
        cwd=Path(__file__).parents[2],
        env=os.environ
        | {
            "DISCORD_TOKEN": town.sandbox.token,
            "OPENAI_API_KEY": "key",
            "OPENAI_BASE_URL": town.endpoint.base_url,
            "PARLEY_STORAGE__URL": town.settings.storage.url,
            "PARLEY_LOG__LEVEL": "error",
            **environ,
        },
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
