"""A sandbox with a small server in it, and clients that log in to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import discord
import pytest

from sandbox.server import Sandbox, open_sandbox
from tests.sandbox.client import Bot, Connect, Home


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as opened:
        yield opened


@pytest.fixture
def home(sandbox: Sandbox) -> Home:
    guild = sandbox.add_guild("Home", text=["general"], voice=["Lounge"])
    return Home(
        guild,
        sandbox.channel(guild, "general"),
        sandbox.channel(guild, "Lounge"),
        sandbox.owner(guild),
        sandbox.add_member(guild, "Ann"),
        sandbox.add_member(guild, "Ben"),
    )


@pytest.fixture
async def connect(sandbox: Sandbox, home: Home) -> AsyncIterator[Connect]:
    """``bot = await connect(setup)``: a client that is ready, its commands registered."""
    running: list[tuple[Bot, asyncio.Task[None]]] = []

    async def start(
        setup: Callable[[Bot], None] | None = None, intents: discord.Intents | None = None
    ) -> Bot:
        bot = Bot(sandbox, intents)
        if setup:
            setup(bot)
        task = asyncio.create_task(bot.start(sandbox.token))
        running.append((bot, task))
        up = asyncio.create_task(bot.up.wait())
        async with asyncio.timeout(10):
            await asyncio.wait([task, up], return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if task.done():
            await task
        if bot.tree._get_all_commands():
            await bot.tree.sync()
        return bot

    yield start
    for bot, task in running:
        await bot.close()
        with suppress(BaseException):
            await task
