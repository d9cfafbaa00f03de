"""Members, roles and channels: changed by the bot or by moderators, told to the other side."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import discord
import pytest

from sandbox.permissions import ALL, Permission
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home


async def told(bot: Bot, event: str, deed: Any) -> Any:
    """What the bot is told when ``deed`` is done."""
    waiting = asyncio.create_task(bot.wait_for(event))
    await asyncio.sleep(0)
    result = deed()
    if asyncio.iscoroutine(result):
        await result
    return await asyncio.wait_for(waiting, 5)


def grant_all(sandbox: Sandbox, home: Home) -> None:
    """Make the bot an administrator above everyone."""
    role = next(r for r in home.guild.roles.values() if r.managed_by)
    role.permissions, role.position = ALL, 50


async def test_people_come_and_go(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    joined = await told(bot, "member_join", lambda: sandbox.add_member(home.guild, "Cy"))
    assert joined.name == "Cy"
    left = await told(bot, "member_remove", lambda: home.owner.moderate.kick(home.guild, home.ann))
    assert left.name == "Ann"
    _, banned = await told(
        bot, "member_ban", lambda: home.owner.moderate.ban(home.guild, home.ben, "noise")
    )
    assert banned.name == "Ben"
    assert not home.ben.sees(home.general)


async def test_the_bot_moderates(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    ann = bot.home().get_member(home.ann.id)
    assert ann is not None
    with pytest.raises(discord.Forbidden):
        await ann.kick()
    grant_all(sandbox, home)
    await ann.edit(nick="Annie")
    await sandbox.until(lambda: home.guild.members[home.ann.id].nick == "Annie")
    await ann.timeout(timedelta(minutes=5))
    assert home.guild.members[home.ann.id].timed_out_until
    await ann.edit(nick="Anna")  # what is not named stays
    assert home.guild.members[home.ann.id].timed_out_until
    await ann.timeout(None)
    assert home.guild.members[home.ann.id].timed_out_until is None
    await ann.ban(reason="enough")
    assert home.guild.bans == {home.ann.id: "enough"}
    assert [b.reason async for b in bot.home().bans()] == ["enough"]
    await bot.home().unban(discord.Object(home.ann.id))
    assert home.guild.bans == {}
    ben = await bot.home().fetch_member(home.ben.id)
    await ben.kick()
    assert home.ben.id not in home.guild.members
    with pytest.raises(discord.NotFound) as gone:
        await bot.home().fetch_member(home.ben.id)
    assert gone.value.code == 10007


async def test_roles(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    grant_all(sandbox, home)
    role = await bot.home().create_role(name="DJ", permissions=discord.Permissions(speak=True))
    ann = bot.home().get_member(home.ann.id)
    assert ann is not None
    await ann.add_roles(role)
    assert home.guild.members[home.ann.id].role_ids == [role.id]
    await role.edit(name="MC", mentionable=True)
    assert home.guild.roles[role.id].mentionable
    assert [r.name for r in await bot.home().fetch_roles()] == ["@everyone", "Parley", "MC"]
    await ann.remove_roles(role)
    assert home.guild.members[home.ann.id].role_ids == []
    gone = await told(bot, "guild_role_delete", role.delete)
    assert gone.id == role.id
    assert not sandbox.violations


async def test_a_role_above_the_bot_is_out_of_reach(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    grant_all(sandbox, home)
    high = sandbox.add_role(home.guild, "high")
    high.position = 60
    with pytest.raises(discord.Forbidden):
        await bot.http.delete_role(home.guild.id, high.id)
    assert [v.code for v in sandbox.violations] == [50013]


async def test_channels(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    grant_all(sandbox, home)
    made = await bot.home().create_text_channel("news", topic="all of it")
    assert home.guild.channels[made.id].topic == "all of it"
    await made.edit(name="olds", slowmode_delay=5)
    assert home.guild.channels[made.id].slowmode_s == 5
    await made.set_permissions(bot.home().default_role, send_messages=False)
    everyone = home.guild.channels[made.id].overwrites[home.guild.id]
    assert everyone.deny == Permission.SEND_MESSAGES
    await made.set_permissions(bot.home().default_role, overwrite=None)
    assert home.guild.channels[made.id].overwrites == {}
    gone = await told(bot, "guild_channel_delete", made.delete)
    assert gone.id == made.id
    await sandbox.until(lambda: made.id not in home.guild.channels)
    stage = await bot.home().create_voice_channel("Hall", user_limit=3)
    assert home.guild.channels[stage.id].user_limit == 3
    fetched = await bot.fetch_channel(stage.id)
    assert fetched.name == "Hall"
    created = await told(
        bot, "guild_channel_create", lambda: sandbox.add_text_channel(home.guild, "new")
    )
    assert created.name == "new"
    removed = await told(
        bot, "guild_channel_delete", lambda: home.owner.moderate.delete_channel(home.general)
    )
    assert removed.name == "general"
    with pytest.raises(discord.NotFound) as unknown:
        await removed.send("anyone?")
    assert unknown.value.code == 10003
    assert not sandbox.violations


async def test_the_bot_leaves(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    await told(bot, "guild_remove", lambda: bot.home().leave())
    assert sandbox.bot.id not in home.guild.members
    sandbox.invite_bot(home.guild)
    await sandbox.until(lambda: sandbox.bot.id in home.guild.members)


async def test_the_bot_renames_itself(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    assert bot.user is not None
    await bot.user.edit(username="Chatter")
    assert sandbox.bot.name == "Chatter"
    me = bot.home().me
    _, after = await told(bot, "member_update", lambda: me.edit(nick="Chat"))
    assert after.display_name == "Chat"
