"""Ten guilds at once, on one machine: cheap enough that late frames are the client's own."""

from __future__ import annotations

import asyncio
import resource
import time

import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.client import Connect, Home
from tests.sandbox.voice.tone import Frames, encode, sine

TEN = 10
SPEECH = encode(sine(330, 150))
"""Three seconds."""


async def test_ten_connections_play_at_once_and_every_listener_hears_all(
    sandbox: Sandbox, home: Home, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    guilds = [sandbox.add_guild(f"G{n}", voice=["Stage"]) for n in range(TEN)]
    stages = [sandbox.channel(guild, "Stage") for guild in guilds]
    ears = [sandbox.add_member(guild, "Ear") for guild in guilds]
    for ear, stage in zip(ears, stages, strict=True):
        await ear.join_voice(stage)
    bot = await connect()

    async def play(channel_id: int) -> None:
        channel = bot.get_channel(channel_id)
        assert isinstance(channel, discord.VoiceChannel)
        voice = await channel.connect()
        await sandbox.until(lambda: voice._connection.can_encrypt, 10)
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        voice.play(Frames(SPEECH), after=lambda _: loop.call_soon_threadsafe(over.set))
        await over.wait()
        await voice.disconnect()

    began_s, cpu_s = time.perf_counter(), _cpu_s()
    async with asyncio.timeout(30):
        await asyncio.gather(*(play(stage.id) for stage in stages))
    spent = (_cpu_s() - cpu_s) / (time.perf_counter() - began_s)
    hearings = [ear.heard(guild) for ear, guild in zip(ears, guilds, strict=True)]
    await sandbox.until(lambda: all(len(h.frames) == len(SPEECH) + 5 for h in hearings), 10)
    numbers = [hearing.statistics() for hearing in hearings]
    assert all((n.frames, n.lost, n.unheard) == (len(SPEECH), 0, 0) for n in numbers)
    assert not sandbox.violations
    late = sum(n.late for n in numbers) / sum(n.frames for n in numbers)
    gap_ms = max(n.largest_gap_s for n in numbers) * 1000
    with capsys.disabled():
        print(
            f"\n{TEN} connections: {late:.2%} of frames late, largest gap {gap_ms:.0f} ms, "
            f"{sum(n.underruns for n in numbers)} stalls, {spent:.0%} of a core (client and server)"
        )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
