"""Who is where in voice, as the gateway tells it and as moderators change it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise

import discord
import pytest

from sandbox.errors import NotPossible
from sandbox.permissions import Permission
from sandbox.records import Overwrite
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home
from tests.sandbox.voice.tone import Frames, encode, sine


def lounge(bot: Bot, home: Home) -> discord.VoiceChannel:
    channel = bot.get_channel(home.lounge.id)
    assert isinstance(channel, discord.VoiceChannel)
    return channel


def voice_events(sandbox: Sandbox) -> list[Mapping[str, object]]:
    return [e.details for e in sandbox.events if e.kind == "voice.state"]


async def test_members_come_move_and_leave(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    attic = sandbox.add_voice_channel(home.guild, "Attic")
    seen: asyncio.Queue[tuple[str | None, str | None]] = asyncio.Queue()

    @bot.event
    async def on_voice_state_update(
        member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        old, new = before.channel, after.channel
        seen.put_nowait((old.name if old else None, new.name if new else None))

    steps = []
    for step in (
        home.ann.join_voice(home.lounge),
        home.ann.move_voice(attic),
        home.ann.leave_voice(),
    ):
        await step
        steps.append(await asyncio.wait_for(seen.get(), 5))
    assert steps == [(None, "Lounge"), ("Lounge", "Attic"), ("Attic", None)]
    await home.ben.join_voice(home.lounge, self_mute=True)
    await asyncio.wait_for(seen.get(), 5)
    ben = bot.home().get_member(home.ben.id)
    assert ben is not None
    assert ben.voice is not None
    assert ben.voice.self_mute
    assert (await ben.fetch_voice()).channel == lounge(bot, home)


async def test_a_bot_that_logs_in_late_sees_who_is_there(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await home.ann.join_voice(home.lounge)
    bot = await connect()
    assert [m.name for m in lounge(bot, home).members] == ["Ann"]


async def test_the_bot_joins_mutes_itself_and_leaves(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    voice = await lounge(bot, home).connect(self_deaf=True)
    state = home.guild.voice_states[sandbox.bot.id]
    assert (state.channel_id, state.self_deaf) == (home.lounge.id, True)
    tickets = sum(e.kind == "voice.server" for e in sandbox.events)
    await bot.home().change_voice_state(channel=voice.channel, self_mute=True)
    await sandbox.until(lambda: home.guild.voice_states[sandbox.bot.id].self_mute)
    # A switch is no reason for a new voice connection.
    assert sum(e.kind == "voice.server" for e in sandbox.events) == tickets
    await voice.disconnect()
    await sandbox.until(lambda: sandbox.bot.id not in home.guild.voice_states)
    assert not sandbox.violations


async def test_a_moderator_moves_the_bot_and_throws_it_out(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    attic = sandbox.add_voice_channel(home.guild, "Attic")
    voice = await lounge(bot, home).connect()
    with pytest.raises(NotPossible, match="MOVE_MEMBERS"):
        home.ann.moderate.move(home.guild, sandbox.bot, attic)
    ready = sum(e.kind == "voice.ready" for e in sandbox.events)
    home.owner.moderate.move(home.guild, sandbox.bot, attic)
    await sandbox.until(lambda: sum(e.kind == "voice.ready" for e in sandbox.events) > ready, 10)
    assert voice.channel.name == "Attic"
    home.owner.moderate.disconnect(home.guild, sandbox.bot)
    await sandbox.until(lambda: sandbox.bot.id not in home.guild.voice_states)
    assert not sandbox.violations


@pytest.mark.parametrize("how", ["kick", "delete", "outage"])
async def test_the_floor_falls_away(
    connect: Connect, sandbox: Sandbox, home: Home, how: str
) -> None:
    bot = await connect()
    await lounge(bot, home).connect(reconnect=False)
    if how == "kick":
        home.owner.moderate.kick(home.guild, sandbox.bot)
    elif how == "delete":
        home.owner.moderate.delete_channel(home.lounge)
    else:
        sandbox.faults.outage(home.guild)
    await sandbox.until(lambda: sandbox.bot.id not in home.guild.voice_states)
    assert voice_events(sandbox)[-1]["channel_id"] is None


class Counted(Frames):
    """Frames that can be waited for as they are played."""

    def __init__(self, packets: list[bytes], sandbox: Sandbox) -> None:
        super().__init__(packets)
        self.played = 0
        self._sandbox = sandbox
        self._loop = asyncio.get_running_loop()

    def read(self) -> bytes:
        """Called by the player's thread."""
        self.played += 1
        self._loop.call_soon_threadsafe(self._sandbox.core.poke)
        return super().read()


async def test_nobody_hears_a_muted_bot(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    await home.ann.join_voice(home.lounge)
    voice = await lounge(bot, home).connect()
    hearing = home.ann.heard(home.guild)
    source = Counted(encode(sine(440, 200)), sandbox)
    voice.play(source)
    await sandbox.until(lambda: len(hearing.frames) > 5, 10)
    home.owner.moderate.mute(home.guild, sandbox.bot)
    heard, played = len(hearing.frames), source.played
    await sandbox.until(lambda: source.played > played + 15)
    home.owner.moderate.mute(home.guild, sandbox.bot, on=False)
    await sandbox.until(lambda: len(hearing.frames) > heard + 10, 10)
    sequences = [f.sequence for f in hearing.frames]
    assert max(b - a for a, b in pairwise(sequences)) > 10
    await voice.disconnect(force=True)


async def test_nobody_hears_a_bot_that_may_not_speak(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    """Which is decided as it enters: what is given or taken later holds from the next time."""
    bot = await connect()
    everyone = home.guild.roles[home.guild.id]
    home.owner.moderate.change_role(home.guild, everyone, everyone.permissions & ~Permission.SPEAK)
    bots = next(r for r in home.guild.roles.values() if r.managed_by == sandbox.bot.id)
    home.owner.moderate.change_role(home.guild, bots, bots.permissions & ~Permission.SPEAK)
    attic = sandbox.add_voice_channel(
        home.guild,
        "Attic",
        overwrites=[Overwrite(home.guild.id, True, allow=int(Permission.SPEAK))],
    )
    await home.ann.join_voice(home.lounge)
    await home.ben.join_voice(attic)
    voice = await lounge(bot, home).connect()
    source = Counted(encode(sine(440, 400)), sandbox)
    voice.play(source)
    await sandbox.until(lambda: source.played > 15)
    me = bot.home().me.voice
    assert me is not None
    assert me.suppress
    assert not home.ann.heard(home.guild).frames
    home.owner.moderate.move(home.guild, sandbox.bot, attic)
    await sandbox.until(lambda: len(home.ben.heard(home.guild).frames) > 5, 10)
    assert not voice_events(sandbox)[-1]["suppress"]
    assert not home.ann.heard(home.guild).frames
    await voice.disconnect(force=True)


async def test_a_deafened_member_hears_nothing(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    await home.ann.join_voice(home.lounge, self_deaf=True)
    await home.ben.join_voice(home.lounge)
    voice = await lounge(bot, home).connect()
    voice.play(Frames(encode(sine(440, 100))))
    await sandbox.until(lambda: len(home.ben.heard(home.guild).frames) > 10, 10)
    assert not home.ann.heard(home.guild).frames
    await voice.disconnect(force=True)


async def test_where_nobody_may_go(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    """Discord answers a forbidden op 4 with silence; the sandbox records it."""
    small = sandbox.add_voice_channel(home.guild, "Small", user_limit=1)
    everyone = home.guild.id
    shut = sandbox.add_voice_channel(
        home.guild, "Shut", overwrites=[Overwrite(everyone, True, deny=int(Permission.CONNECT))]
    )
    with pytest.raises(NotPossible, match="connect"):
        await home.ann.join_voice(shut)
    await home.ann.join_voice(small)
    with pytest.raises(NotPossible, match="full"):
        await home.ben.join_voice(small)
    with pytest.raises(NotPossible, match="no voice channel"):
        await home.ben.join_voice(home.general)
    bot = await connect()
    await bot.home().change_voice_state(channel=discord.Object(shut.id))
    await sandbox.until(lambda: sandbox.violations)
    assert [(v.rule, v.code) for v in sandbox.violations] == [("missing-permissions", 50013)]
    assert sandbox.bot.id not in home.guild.voice_states


async def test_a_member_brought_along_by_the_bot(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    attic = sandbox.add_voice_channel(home.guild, "Attic")
    ann = bot.home().get_member(home.ann.id)
    assert ann is not None
    with pytest.raises(discord.HTTPException) as absent:
        await ann.move_to(discord.Object(attic.id))
    assert absent.value.code == 40032
    await home.ann.join_voice(home.lounge)
    await ann.move_to(discord.Object(attic.id))
    assert home.ann.voice is not None
    assert home.ann.voice.channel_id == attic.id
    await ann.move_to(None)
    assert home.ann.voice is None


async def test_a_lost_session_hangs_up(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    await lounge(bot, home).connect(reconnect=False)
    bot.up.clear()
    await sandbox.faults.drop_gateway(resumable=False)
    await sandbox.until(lambda: sandbox.bot.id not in home.guild.voice_states)
    await asyncio.wait_for(bot.up.wait(), 10)
