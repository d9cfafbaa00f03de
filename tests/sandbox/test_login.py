"""Logging in: who may, and what a client then knows."""

from __future__ import annotations

import discord
import pytest

from sandbox.core import Rules
from sandbox.server import Sandbox, open_sandbox
from tests.sandbox.client import Bot, Connect, Home


async def test_a_client_logs_in_and_knows_the_server(connect: Connect, home: Home) -> None:
    bot = await connect()
    guild = bot.home()
    assert bot.user is not None
    assert bot.user.name == "Parley"
    assert bot.application_id == bot.user.id
    assert [c.name for c in guild.channels] == ["general", "Lounge"]
    assert {m.name for m in guild.members} == {"Parley", "Owner", "Ann", "Ben"}
    assert guild.owner_id == home.owner.id
    assert guild.me.guild_permissions.manage_messages
    assert not guild.me.guild_permissions.administrator


async def test_a_wrong_token_is_refused(sandbox: Sandbox) -> None:
    bot = Bot(sandbox)
    with pytest.raises(discord.LoginFailure):
        await bot.start("wrong")
    await bot.close()


async def test_a_gateway_that_refuses_the_token_ends_the_client(
    sandbox: Sandbox, connect: Connect
) -> None:
    sandbox.faults.refuse_identify(code=4004)
    with pytest.raises(discord.ConnectionClosed) as closed:
        await connect()
    assert closed.value.code == 4004


async def test_privileged_intents_must_be_granted() -> None:
    async with open_sandbox(rules=Rules(privileged_intents=False)) as sandbox:
        bot = Bot(sandbox, discord.Intents.all())
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await bot.start(sandbox.token)
        await bot.close()


async def test_without_the_members_intent_only_the_bot_is_known(connect: Connect) -> None:
    bot = await connect(intents=discord.Intents.default())
    assert [m.name for m in bot.home().members] == ["Parley"]
    assert [m.name for m in await bot.home().query_members("An")] == ["Ann"]


async def test_the_application_and_users_can_be_fetched(connect: Connect, home: Home) -> None:
    bot = await connect()
    info = await bot.application_info()
    assert info.id == bot.user.id
    assert (await bot.fetch_user(home.ann.id)).name == "Ann"
    with pytest.raises(discord.NotFound):
        await bot.fetch_user(1)
    assert [g.name async for g in bot.fetch_guilds()] == ["Home"]
    avatar = await bot.home().me.display_avatar.read()
    assert avatar.startswith(b"\x89PNG")


async def test_content_is_hidden_without_its_intent(connect: Connect, home: Home) -> None:
    bot = await connect(intents=discord.Intents.default())
    await home.ann.say(home.general, "nobody's business")
    assert (await bot.told.get()).content == ""
    await home.ann.mention_bot(home.general, "but this is yours")
    assert (await bot.told.get()).content.endswith("but this is yours")
    await home.ann.dm("and this too")
    assert (await bot.told.get()).content == "and this too"


async def test_no_messages_without_their_intent(connect: Connect, home: Home) -> None:
    intents = discord.Intents.all()
    intents.guild_messages = False
    bot = await connect(intents=intents)
    await home.ann.say(home.general, "unheard")
    await home.ann.dm("heard")
    assert (await bot.told.get()).content == "heard"
