"""Permissions, held against discord.py's own arithmetic and told in stories."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.clock import Clock
from sandbox.core import Core, Rules
from sandbox.errors import NotPossible
from sandbox.gateway import Gateway
from sandbox.payloads import channel_json, guild_create_json, member_json, own_user_json
from sandbox.permissions import ALL, Permission, in_channel, in_guild, names
from sandbox.records import (
    Channel,
    ChannelKind,
    Guild,
    Member,
    Overwrite,
    Role,
    User,
)
from sandbox.server import Sandbox
from tests.sandbox.client import Connect, Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Bits both sides know; discord.py knows others that the sandbox has no use for.
KNOWN = int(ALL) & discord.Permissions.all().value
bits = st.integers(0, KNOWN).map(lambda n: n & KNOWN & ~int(Permission.ADMINISTRATOR))
overwrites = st.tuples(bits, bits)


@st.composite
def servers(draw: st.DrawFn) -> tuple[Guild, Channel]:
    """A server with three roles, a member, and a channel with overwrites for all of them."""
    guild = Guild(100, "g", owner_id=draw(st.sampled_from([1, 2])))
    guild.roles[100] = Role(100, 100, "@everyone", draw(bits), 0)
    for role_id in (201, 202, 203):
        power = draw(bits) | (int(Permission.ADMINISTRATOR) if draw(st.integers(0, 9)) == 0 else 0)
        guild.roles[role_id] = Role(role_id, 100, f"r{role_id}", power, role_id - 200)
    roles = draw(st.lists(st.sampled_from([201, 202, 203]), unique=True))
    until = draw(st.sampled_from([None, NOW + timedelta(hours=1), NOW - timedelta(hours=1)]))
    guild.members[1] = Member(1, 100, NOW, roles, timed_out_until=until)
    kind = draw(st.sampled_from([ChannelKind.TEXT, ChannelKind.VOICE]))
    channel = Channel(300, kind, "c", 100)
    for target in draw(st.lists(st.sampled_from([100, 201, 202, 1]), unique=True)):
        allow, deny = draw(overwrites)
        channel.overwrites[target] = Overwrite(target, target != 1, allow, deny & ~allow)
    guild.channels[300] = channel
    return guild, channel


@given(servers())
@settings(max_examples=150)
def test_the_sandbox_computes_what_discord_py_computes(server: tuple[Guild, Channel]) -> None:
    guild, channel = server
    # The client must outlive the guild: discord.py keeps only weak references.
    client, theirs = as_discord_py(guild)
    assert client.user is not None
    member = guild.members[1]
    mine = theirs.get_member(1)
    there = theirs.get_channel(channel.id)
    assert mine is not None
    assert isinstance(there, discord.TextChannel | discord.VoiceChannel)
    ours = in_guild(guild, member)
    # discord.py counts a time-out already in guild_permissions, Discord only in channels.
    if not (member.timed_out_until and member.timed_out_until > datetime.now(UTC)):
        assert int(ours) & KNOWN == mine.guild_permissions.value & KNOWN
    in_there = in_channel(guild, member, channel, datetime.now(UTC))
    expected = there.permissions_for(mine)
    assert bool(in_there & Permission.VIEW_CHANNEL) == expected.view_channel
    if channel.kind is ChannelKind.VOICE and not expected.connect:
        assert not in_there & Permission.CONNECT
    elif expected.view_channel:
        # discord.py also drops what means nothing in a channel of the kind.
        compared = KNOWN
        if channel.kind is ChannelKind.TEXT:
            compared &= ~discord.Permissions.voice().value
        assert int(in_there) & compared == expected.value & compared


def as_discord_py(guild: Guild) -> tuple[discord.Client, discord.Guild]:
    """The same server as discord.py's own objects, made from the sandbox's JSON."""
    core = Core.create(Clock(), Rules(), "Parley")
    core.gateway = Gateway(core)
    for user_id in (1, 2):
        core.world.users[user_id] = User(user_id, f"u{user_id}")
    core.world.guilds[guild.id] = guild
    guild.members[core.bot.id] = Member(core.bot.id, guild.id, NOW)
    data = guild_create_json(core.world, guild, all_members=True, voice=True, bot_id=core.bot.id)
    assert data["channels"][0] == channel_json(core.world, guild.channels[300])
    assert member_json(core.world, guild.members[1]) in data["members"]
    client = discord.Client(intents=discord.Intents.all())
    state = client._connection
    state.user = discord.ClientUser(state=state, data=own_user_json(core.bot))
    return client, discord.Guild(data=data, state=state)


def test_bits_have_names() -> None:
    assert names(Permission.KICK_MEMBERS | Permission.CONNECT) == ["KICK_MEMBERS", "CONNECT"]


async def test_changes_reach_the_bot(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    changed = asyncio.create_task(bot.wait_for("guild_channel_update"))
    everyone = home.guild.roles[home.guild.id]
    home.owner.moderate.overwrite(home.general, everyone, deny=Permission.SEND_MESSAGES)
    await asyncio.wait_for(changed, 5)
    ann = bot.home().get_member(home.ann.id)
    assert ann is not None
    assert not bot.text().permissions_for(ann).send_messages
    with pytest.raises(NotPossible, match="SEND_MESSAGES"):
        await home.ann.say(home.general, "may I?")

    granted = asyncio.create_task(bot.wait_for("guild_role_update"))
    home.owner.moderate.change_role(home.guild, everyone, Permission.VIEW_CHANNEL)
    _, role = await asyncio.wait_for(granted, 5)
    assert role.permissions == discord.Permissions(view_channel=True)


async def test_a_time_out_silences(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    told = asyncio.create_task(bot.wait_for("member_update"))
    home.owner.moderate.time_out(home.guild, home.ann, for_s=60)
    _, after = await asyncio.wait_for(told, 5)
    assert after.is_timed_out()
    with pytest.raises(NotPossible):
        await home.ann.say(home.general, "hm")
    sandbox.clock.advance(61)
    await home.ann.say(home.general, "free again")


async def test_moderators_need_the_right_and_the_rank(sandbox: Sandbox, home: Home) -> None:
    with pytest.raises(NotPossible, match="KICK_MEMBERS"):
        home.ann.moderate.kick(home.guild, home.ben)
    low = sandbox.add_role(home.guild, "low", Permission.KICK_MEMBERS)
    high = sandbox.add_role(home.guild, "high", Permission.KICK_MEMBERS)
    home.owner.moderate.give_role(home.guild, home.ann, low)
    home.owner.moderate.give_role(home.guild, home.ben, high)
    with pytest.raises(NotPossible, match="not below"):
        home.ann.moderate.kick(home.guild, home.ben)
    home.ben.moderate.kick(home.guild, home.ann)
    assert home.ann.id not in home.guild.members
