"""The lobby of real bot processes, as ``bot.py run`` runs them: killed, and several at once."""

from __future__ import annotations

import asyncio

from sandbox.actor import Actor
from sandbox.records import Channel, Guild, Message
from tests.stories.community import private
from tests.stories.test_lobby import told
from tests.stories.town import Town, process
from tests.support.databases import postgres_url

START_S = 60.0


async def joins(town: Town, who: Actor, channel: Channel) -> str:
    """``/voice join``, where they are in voice, as soon as Parley is there; what it says."""
    here = who.here
    await town.until(lambda: any(o.path == "voice join" for o in who.offers(here)), START_S)
    await who.join_voice(channel)
    while "reconnecting" in (said := await town.told(await who.command("voice join"))):
        pass  # it waits itself: this is asked again as a person would
    return said


def identified(town: Town) -> int:
    """How many times a process has come to Discord so far."""
    return sum(event.kind == "gateway.identify" for event in town.sandbox.events)


def in_voice(town: Town, guild: Guild) -> int:
    state = guild.voice_states.get(town.sandbox.bot.id)
    return state.channel_id if state else 0


def voiced(who: Actor, guild: Guild) -> int:
    """How many frames of sound they have heard there."""
    return sum(not frame.silence for frame in who.heard(guild).frames)


def of(town: Town, where: Channel, words: str) -> list[Message]:
    return [m for m in town.said(where) if words in m.content]


async def test_kill_minus_nine_and_sessions_go_on_where_they_were(quiet_town: Town) -> None:
    town = quiet_town
    amy, ben = town.amy, town.ben
    cat = town.sandbox.add_member(town.guild, "cat")
    async with process(town, PARLEY_LOBBY__SLOTS="2") as parley:
        await town.until(lambda: town.sandbox.online, START_S)
        for who in (amy, ben):
            assert "I am joining you" in await joins(town, who, town.lounge)
        await town.until(lambda: town.bot_channel() == town.lounge.id)
        assert "at place 1" in await joins(town, cat, town.den)
        await amy.command("say", text="This is cut off in the middle of a long sentence, I fear.")
        await town.until(lambda: voiced(amy, town.guild) > 10)
        parley.kill()
    await town.until(lambda: not town.sandbox.online)
    async with process(town, PARLEY_LOBBY__SLOTS="2"):
        for who in (amy, ben):
            await told(town, town.general, f"{who.mention} I am back")
        await town.until(lambda: town.bot_channel() == town.lounge.id)
        before = voiced(ben, town.guild)
        said = await town.told(await amy.command("say", text="Where were we?"))
        assert said == "I am saying it."
        await town.until(lambda: voiced(ben, town.guild) > before + 20)
        # The one who waits kept her place, and her turn comes as if nothing had happened.
        assert "at place 1" in await joins(town, cat, town.den)
        await amy.command("voice leave")
        await ben.command("voice leave")
        await told(town, town.general, f"{cat.mention} It is your turn")
        await town.until(lambda: town.bot_channel() == town.den.id)
    assert len(of(town, town.general, "I am back")) == 2
    assert not of(town, town.general, "has ended")


async def test_two_processes_share_one_house(quiet_town: Town) -> None:
    """On PostgreSQL: a slot freed in one is filled in the other at once, and so is a dead one's."""
    town, sandbox = quiet_town, quiet_town.sandbox
    guilds = [town.guild]
    while (guilds[-1].id >> 22) % 2 == (town.guild.id >> 22) % 2:
        guilds.append(sandbox.add_guild("Haven", text=("talk",), voice=("room",)))
    amy, haven = town.amy, guilds[-1]
    talk, room = sandbox.channel(haven, "talk"), sandbox.channel(haven, "room")
    dan, eva = sandbox.add_member(haven, "dan"), sandbox.add_member(haven, "eva")
    mine = (town.guild.id >> 22) % 2
    shared = {
        "PARLEY_STORAGE__URL": await asyncio.to_thread(postgres_url),
        "PARLEY_DISCORD__SHARDS": "2",
        "PARLEY_LOBBY__SLOTS": "1",
        # Far longer than what is timed below: no heartbeat brings the news.
        "PARLEY_LOBBY__HEARTBEAT_S": "8",
        "PARLEY_LOBBY__RESUME_S": "1",
        "PARLEY_LOBBY__LEASE_S": "9",
    }
    async with (
        process(town, PARLEY_DISCORD__SHARD=str(mine), **shared),
        process(town, PARLEY_DISCORD__SHARD=str(1 - mine), **shared) as other,
    ):
        await town.until(lambda: identified(town) == 2, START_S)
        assert "I am joining you" in await joins(town, amy, town.lounge)
        assert "at place 1" in await joins(town, dan, room)
        await amy.command("voice leave")
        freed_s = sandbox.clock.real_s()  # the command was acknowledged
        await told(town, talk, f"{dan.mention} It is your turn")
        assert sandbox.clock.real_s() - freed_s < 3
        await town.until(lambda: in_voice(town, haven) == room.id)
        await dan.command("say", text="From one process to the other.")
        await town.until(lambda: voiced(dan, haven) > 10)
        # Asked in one process, shown and waited for in the other.
        assert "at place 1" in await joins(town, amy, town.lounge)
        board = await private(town, await eva.command("queue"))
        assert "1 of 1 in use" in board.content
        await town.until(lambda: "In the line: 1" in board.content)
        other.kill()
        killed_s = sandbox.clock.real_s()
        await told(town, town.general, f"{amy.mention} It is your turn")
        assert 0 < sandbox.clock.real_s() - killed_s < 9 + 5
        await town.until(lambda: in_voice(town, town.guild) == town.lounge.id)
        async with process(town, PARLEY_DISCORD__SHARD=str(1 - mine), **shared):
            await town.until(lambda: identified(town) == 3, START_S)
            ended = await told(town, talk, "Your voice session has ended")
            assert "I was away for too long" in ended.content
            assert "at place 1" in await joins(town, dan, room)
