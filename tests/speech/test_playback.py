"""Frames over a real voice connection: discord.py, DAVE and UDP to a sandbox that listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import discord
import numpy as np
import pytest

from cogs.voice_client import ParleyVoice
from sandbox.voice.hearing import Hearing
from speech.base import FRAME_S, SILENCE
from speech.frames import FrameBuffer
from speech.playback import PATIENCE, Playback
from speech.settings import SpeechSettings
from speech.sound import FrameMaker
from tests.sandbox.client import Bot, Connect, Home
from tests.sandbox.conftest import connect, home, sandbox  # noqa: F401 - fixtures

SETTINGS = SpeechSettings()


def sound(seconds: float) -> list[bytes]:
    """Frames of a rising tone, so that no two are alike."""
    at = np.arange(int(seconds * 48_000)) / 48_000
    samples = (0.3 * np.sin(2 * np.pi * (200 + 150 * at) * at)).astype(np.float32)
    return FrameMaker(48_000).add(samples, 48_000)


async def full(frames: list[bytes]) -> FrameBuffer:
    buffer = FrameBuffer(10_000)
    for frame in frames:
        await buffer.put(frame)
    return buffer


def words(hearing: Hearing) -> list[bytes]:
    return [frame.opus for frame in hearing.frames if not frame.silence]


async def join(bot: Bot) -> ParleyVoice:
    return await bot.home().voice_channels[0].connect(cls=ParleyVoice, reconnect=False, timeout=5)


@pytest.fixture
async def bot(connect: Connect, home: Home) -> AsyncIterator[Bot]:  # noqa: F811
    client = await connect()
    await home.ann.join_voice(home.lounge)
    yield client
    for voice in client.voice_clients:
        await voice.disconnect(force=True)


async def playing(bot: Bot, settings: SpeechSettings = SETTINGS) -> Playback:
    playback = Playback(settings)
    playback.attach(await join(bot))
    return playback


async def test_a_reply_arrives_whole_and_in_order(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    frames = sound(1.0)
    buffer = await full(frames)
    buffer.end()
    await playback.play(buffer)
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) == len(frames))
    assert words(hearing) == frames
    numbers = hearing.statistics()
    assert (numbers.spurts, numbers.lost, numbers.unheard) == (1, 0, 0)
    counts = playback.statistics()
    # It never had to wait for sound; when the packets came is the machine's affair.
    assert (counts.frames, counts.silences, counts.underruns) == (len(frames), 0, 0)


async def test_no_word_is_lost_when_encryption_is_slow(bot: Bot, home: Home) -> None:  # noqa: F811
    bot.sandbox.faults.voice.welcome_delay_s = 0.4
    playback = await playing(bot)
    frames = sound(0.5)
    buffer = await full(frames)
    buffer.end()
    await playback.play(buffer)
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) == len(frames))
    assert words(hearing) == frames
    assert not hearing.unheard
    assert playback.statistics().private_wait_s > 0.2


async def test_encryption_that_never_comes_is_not_waited_for(bot: Bot, home: Home) -> None:  # noqa: F811
    bot.sandbox.faults.voice.welcome_delay_s = 60
    playback = await playing(bot, replace(SETTINGS, dave_wait_s=0.1))
    buffer = await full(sound(0.2))
    buffer.end()
    async with asyncio.timeout(3):
        await playback.play(buffer)
    assert buffer.over


async def test_waiting_for_text_is_silence_and_then_a_pause(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    frames = sound(1.0)
    half = len(frames) // 2
    buffer = await full(frames[:half])
    buffer.resting = True
    play = asyncio.create_task(playback.play(buffer))
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: hearing.statistics().silences and not hearing.speaking[-1].on)
    assert playback.statistics().silences == PATIENCE
    assert playback.statistics().underruns == 0  # there was nothing to speak
    for frame in frames[half:]:
        await buffer.put(frame)
    buffer.end()
    await play
    await bot.sandbox.until(lambda: len(words(hearing)) == len(frames))
    assert words(hearing) == frames
    assert hearing.statistics().spurts == 2


async def test_sound_that_is_late_is_counted(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    buffer = await full(sound(0.2))
    play = asyncio.create_task(playback.play(buffer))
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: SILENCE in [frame.opus for frame in hearing.frames])
    buffer.end()
    await play
    assert playback.statistics().underruns == 1


async def test_cancelling_silences_within_100_ms(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    buffer = await full(sound(5.0))
    play = asyncio.create_task(playback.play(buffer))
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) > 10)
    told_s = bot.sandbox.clock.real_s()
    buffer.cancel()
    await play
    await bot.sandbox.until(lambda: hearing.frames[-1].silence)
    assert hearing.statistics().last_s < told_s + 0.1


async def test_cancelling_the_player_silences_too(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    play = asyncio.create_task(playback.play(await full(sound(5.0))))
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) > 5)
    told_s = bot.sandbox.clock.real_s()
    play.cancel()
    await bot.sandbox.until(lambda: hearing.frames[-1].silence)
    assert hearing.statistics().last_s < told_s + 0.1


async def test_a_lost_connection_is_taken_up_where_it_was(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    frames = sound(2.0)
    buffer = await full(frames)
    buffer.end()
    play = asyncio.create_task(playback.play(buffer))
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) > 20)
    assert bot.user
    bot.sandbox.faults.voice.close(home.guild.id, bot.user.id, 4006)
    voice = bot.home().voice_client
    assert isinstance(voice, ParleyVoice)
    await voice.ended.wait()
    playback.detach()
    await voice.disconnect(force=True)
    playback.attach(await join(bot))
    await play
    await bot.sandbox.until(lambda: words(hearing)[-1] == frames[-1])
    heard = words(hearing)
    # What was sent into the closing connection may be gone; nothing is heard twice or out of order.
    positions = [frames.index(frame) for frame in heard]
    assert positions == sorted(set(positions))
    assert len(heard) >= len(frames) - 0.3 / FRAME_S


async def test_a_reply_waits_for_a_connection(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = Playback(SETTINGS)
    frames = sound(0.2)
    buffer = await full(frames)
    buffer.end()
    play = asyncio.create_task(playback.play(buffer))
    playback.attach(await join(bot))
    await play
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) == len(frames))


async def test_a_cancelled_reply_waits_for_nothing() -> None:
    buffer = await full(sound(0.2))
    play = asyncio.create_task(Playback(SETTINGS).play(buffer))
    await asyncio.sleep(0)
    buffer.cancel()
    async with asyncio.timeout(1):
        await play


async def test_replies_follow_each_other(bot: Bot, home: Home) -> None:  # noqa: F811
    playback = await playing(bot)
    frames = sound(0.3)
    for _ in range(3):
        buffer = await full(frames)
        buffer.end()
        await playback.play(buffer)
    hearing = home.ann.heard()
    await bot.sandbox.until(lambda: len(words(hearing)) == 3 * len(frames))
    assert words(hearing) == frames * 3
    assert hearing.statistics().spurts == 3
    assert isinstance(bot.home().voice_client, discord.VoiceClient)
