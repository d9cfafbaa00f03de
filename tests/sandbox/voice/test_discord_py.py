"""The real discord.py client in voice: what it plays is what members hear, whatever happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import discord
import pytest

from sandbox.server import Sandbox
from sandbox.voice.hearing import Hearing
from tests.sandbox.client import Bot, Connect, Home
from tests.sandbox.voice.tone import Frames, encode, loudest_hz, sine, snr_db

Join = Callable[..., Awaitable[discord.VoiceClient]]
TONE = encode(sine(440, 50))
"""One second."""


@pytest.fixture
async def bot(connect: Connect, sandbox: Sandbox, home: Home) -> Bot:
    return await connect()


@pytest.fixture
async def join(bot: Bot, home: Home) -> AsyncIterator[Join]:
    """``voice = await join()``: the bot in the lounge, by discord.py's own means."""
    joined: list[discord.VoiceClient] = []

    async def connect(*, timeout_s: float = 10.0, reconnect: bool = True) -> discord.VoiceClient:
        channel = bot.get_channel(home.lounge.id)
        assert isinstance(channel, discord.VoiceChannel)
        voice = await channel.connect(timeout=timeout_s, reconnect=reconnect)
        joined.append(voice)
        return voice

    yield connect
    for voice in joined:
        if voice.is_connected():
            await voice.disconnect()


def events(sandbox: Sandbox, kind: str) -> list[Mapping[str, object]]:
    return [event.details for event in sandbox.events if event.kind == kind]


async def in_one_group(sandbox: Sandbox, *user_ids: int) -> None:
    """The latest executed transition is of exactly these members."""

    def reached() -> bool:
        done = events(sandbox, "voice.transition")
        return bool(done) and done[-1]["member_ids"] == sorted(user_ids)

    await sandbox.until(reached, 10)


async def play(voice: discord.VoiceClient, packets: list[bytes]) -> None:
    """Play to the end."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    voice.play(Frames(packets), after=lambda _: loop.call_soon_threadsafe(over.set))
    await asyncio.wait_for(over.wait(), 20)


async def heard_more(sandbox: Sandbox, hearing: Hearing, frames: int) -> None:
    """So many more frames are heard than now."""
    enough = len(hearing.frames) + frames
    await sandbox.until(lambda: len(hearing.frames) >= enough, 10)


async def test_a_member_hears_the_tone_that_the_bot_plays(
    sandbox: Sandbox, home: Home, bot: Bot, join: Join
) -> None:
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    await play(voice, TONE)
    hearing = home.ann.heard(home.guild)
    await sandbox.until(lambda: len(hearing.frames) == len(TONE) + 5)  # and five silences
    samples = hearing.pcm()
    assert loudest_hz(samples[:48_000]) == pytest.approx(440, abs=2)
    assert snr_db(samples[4_800:43_200], 440) > 30
    numbers = hearing.statistics()
    assert (numbers.frames, numbers.silences, numbers.spurts) == (len(TONE), 5, 1)
    assert (numbers.lost, numbers.unheard) == (0, 0)
    await sandbox.until(lambda: len(hearing.speaking) == 3)
    assert [light.on for light in hearing.speaking] == [False, True, False]
    assert {frame.speaker_id for frame in hearing.frames} == {sandbox.bot.id}
    assert not sandbox.violations


async def test_a_busy_event_loop_does_not_make_the_bot_look_late(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    """Frames carry the time at which the kernel had them, not the time we came to read them."""
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    hearing = home.ann.heard(home.guild)
    playing = asyncio.create_task(play(voice, TONE))
    await heard_more(sandbox, hearing, 5)
    time.sleep(0.3)  # noqa: ASYNC251 - the loop is to be blocked; the player is a thread
    await playing
    await sandbox.until(lambda: len(hearing.frames) == len(TONE) + 5)
    assert hearing.statistics().largest_gap_s < 0.2
    assert hearing.statistics().late_share < 0.2


async def test_the_bot_alone_plays_to_nobody_and_nothing_breaks(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    voice = await join()
    await play(voice, TONE[:10])
    await home.ann.join_voice(home.lounge)
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    await play(voice, TONE[:10])
    hearing = home.ann.heard(home.guild)
    await sandbox.until(lambda: hearing.statistics().frames == 10)
    assert not sandbox.violations


async def test_members_come_and_go_while_the_bot_speaks_and_no_frame_is_lost(
    sandbox: Sandbox, home: Home, bot: Bot, join: Join
) -> None:
    """Each arrival and departure is a new epoch; who stays hears all of it."""
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    ann, ben = home.ann.heard(home.guild), home.ben.heard(home.guild)
    voice.play(Frames(TONE, endless=True))
    await heard_more(sandbox, ann, 10)
    for _ in range(3):
        await home.ben.join_voice(home.lounge)
        await in_one_group(sandbox, sandbox.bot.id, home.ann.id, home.ben.id)
        await heard_more(sandbox, ben, 10)
        await home.ben.leave_voice()
        await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
        missed_from = len(ben.frames)
        await heard_more(sandbox, ann, 10)
        assert len(ben.frames) == missed_from
    voice.stop()
    await sandbox.until(lambda: ann.frames[-1].silence)
    numbers = ann.statistics()
    assert (numbers.lost, numbers.unheard, numbers.spurts) == (0, 0, 1)
    assert max(epoch["epoch"] for epoch in events(sandbox, "voice.epoch")) == 7
    assert not sandbox.violations


async def test_a_whole_audience_hears_the_same(sandbox: Sandbox, home: Home, join: Join) -> None:
    crowd = [home.ann, home.ben] + [sandbox.add_member(home.guild, f"C{n}") for n in range(4)]
    for member in crowd[:3]:
        await member.join_voice(home.lounge)
    voice = await join()
    for member in crowd[3:]:
        await member.join_voice(home.lounge)
    await in_one_group(sandbox, sandbox.bot.id, *(member.id for member in crowd))
    await play(voice, TONE[:20])
    hearings = [member.heard(home.guild) for member in crowd]
    await sandbox.until(lambda: all(h.statistics().frames == 20 for h in hearings))
    first = [frame.opus for frame in hearings[0].frames]
    assert all([frame.opus for frame in hearing.frames] == first for hearing in hearings)


async def test_the_last_listener_leaves_and_the_next_one_hears_again(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    """Left alone, the client is reset (op 24); its frames are plain until somebody comes."""
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    await home.ann.leave_voice()
    await home.ben.join_voice(home.lounge)
    await in_one_group(sandbox, sandbox.bot.id, home.ben.id)
    await play(voice, TONE[:10])
    ben = home.ben.heard(home.guild)
    await sandbox.until(lambda: ben.statistics().frames == 10)


async def test_a_client_that_cannot_follow_recovers_by_op_31(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    await home.ann.join_voice(home.lounge)
    await home.ben.join_voice(home.lounge)
    voice = await join()
    everybody = (sandbox.bot.id, home.ann.id, home.ben.id)
    await in_one_group(sandbox, *everybody)
    sandbox.faults.voice.garble_commit(home.guild.id, sandbox.bot.id)
    await sandbox.until(lambda: events(sandbox, "voice.invalid_commit"))
    await in_one_group(sandbox, *everybody)
    await play(voice, TONE[:10])
    hearing = home.ben.heard(home.guild)
    await sandbox.until(lambda: hearing.statistics().frames == 10)


async def test_the_bot_moves_itself_and_is_heard_where_it_went(
    sandbox: Sandbox, home: Home, bot: Bot, join: Join
) -> None:
    garden = sandbox.add_voice_channel(home.guild, "Garden")
    await home.ann.join_voice(home.lounge)
    await home.ben.join_voice(garden)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    await voice.move_to(bot.get_channel(garden.id))
    await in_one_group(sandbox, sandbox.bot.id, home.ben.id)
    await play(voice, TONE[:10])
    ben = home.ben.heard(home.guild)
    await sandbox.until(lambda: ben.statistics().frames == 10)
    assert not home.ann.heard(home.guild).frames
    assert ben.frames[0].channel_id == garden.id


async def test_a_moderator_moves_the_bot_while_it_speaks(
    sandbox: Sandbox, home: Home, bot: Bot, join: Join
) -> None:
    garden = sandbox.add_voice_channel(home.guild, "Garden")
    await home.ann.join_voice(home.lounge)
    await home.ben.join_voice(garden)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    voice.play(Frames(TONE, endless=True))
    await heard_more(sandbox, home.ann.heard(home.guild), 5)
    home.owner.moderate.move(home.guild, sandbox.bot, garden)
    await heard_more(sandbox, home.ben.heard(home.guild), 5)
    assert voice.channel.id == garden.id
    assert voice.is_playing()


@pytest.mark.parametrize("how", ["disconnected", "channel deleted", "kicked"])
async def test_thrown_out_the_client_knows_that_it_is_gone(
    sandbox: Sandbox, home: Home, join: Join, how: str
) -> None:
    await home.ann.join_voice(home.lounge)
    voice = await join()
    moderate = home.owner.moderate
    match how:
        case "disconnected":
            moderate.disconnect(home.guild, sandbox.bot)
        case "channel deleted":
            moderate.delete_channel(home.lounge)
        case _:
            moderate.kick(home.guild, sandbox.bot)
    await sandbox.until(lambda: events(sandbox, "voice.close"))
    assert events(sandbox, "voice.close")[0]["code"] == 4014
    await asyncio.wait_for(asyncio.to_thread(_until_disconnected, voice), 10)


def _until_disconnected(voice: discord.VoiceClient) -> None:
    """discord.py has no event for it; its own waiter wakes on every change of state."""
    while voice.is_connected():
        voice._connection._connected.wait(0.01)


@pytest.mark.parametrize("code", [4001, 4004, 4006, 4009, 4015, 4017, 4021])
async def test_each_close_code_reaches_discord_py(
    sandbox: Sandbox, home: Home, join: Join, code: int
) -> None:
    """Without ``reconnect``, the client ends with the code, unless it handles it by itself."""
    voice = await join(reconnect=False, timeout_s=2.0)
    runner = voice._connection._runner
    assert runner is not None
    sandbox.faults.voice.close(home.guild.id, sandbox.bot.id, code)
    async with asyncio.timeout(10):
        if code in (4015, 4021):  # it tries a resume that cannot succeed; it gives up at once
            await runner
            assert not voice.is_connected()
            return
        with pytest.raises(discord.ConnectionClosed) as closed:
            await runner
    assert closed.value.code == code


@pytest.mark.parametrize("way", ["4006", "drop"])
async def test_a_client_that_reconnects_is_heard_again(
    sandbox: Sandbox, home: Home, join: Join, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from discord.backoff import ExponentialBackoff

    monkeypatch.setattr(ExponentialBackoff, "delay", lambda _: 0.0)
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    voice.play(Frames(TONE, endless=True))
    ann = home.ann.heard(home.guild)
    await heard_more(sandbox, ann, 5)
    if way == "drop":
        sandbox.faults.voice.drop(home.guild.id, sandbox.bot.id)
    else:
        sandbox.faults.voice.close(home.guild.id, sandbox.bot.id, 4006)
    await sandbox.until(lambda: len(events(sandbox, "voice.ready")) == 2, 10)
    await heard_more(sandbox, ann, 5)
    assert len({frame.ssrc for frame in ann.frames}) == 2


async def test_words_before_a_slow_welcome_are_lost_on_the_members(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    """discord.py says "connected" before it has keys; who speaks at once is not understood."""
    sandbox.faults.voice.welcome_delay_s = 0.4
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await play(voice, TONE)
    hearing = home.ann.heard(home.guild)
    await sandbox.until(lambda: len(hearing.frames) + len(hearing.unheard) == len(TONE) + 5)
    numbers = hearing.statistics()
    assert 10 <= numbers.unheard <= 30
    assert numbers.frames + numbers.unheard == len(TONE)
    assert numbers.lost == 0


async def test_packet_loss_is_counted(sandbox: Sandbox, home: Home, join: Join) -> None:
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    sandbox.faults.voice.loss = 0.3
    hearing = home.ann.heard(home.guild)
    voice.play(Frames(TONE, endless=True))
    await heard_more(sandbox, hearing, 40)
    voice.stop()
    sandbox.faults.voice.loss = 0.0
    numbers = hearing.statistics()
    assert 0.1 < numbers.lost / (numbers.lost + numbers.frames) < 0.5
    assert loudest_hz(hearing.pcm()) == pytest.approx(440, abs=3)


async def test_jitter_makes_frames_late_but_loses_none(
    sandbox: Sandbox, home: Home, join: Join
) -> None:
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    hearing = home.ann.heard(home.guild)
    playing = asyncio.create_task(play(voice, TONE))
    await heard_more(sandbox, hearing, 5)
    sandbox.faults.voice.jitter_s = 0.2
    await playing
    await sandbox.until(lambda: len(hearing.frames) == len(TONE) + 5)
    numbers = hearing.statistics()
    assert (numbers.lost, numbers.unheard) == (0, 0)
    assert numbers.late > 0
    assert numbers.underruns > 0
    sequences = [frame.sequence for frame in hearing.frames]
    assert sequences != sorted(sequences)


async def test_without_a_session_description_connecting_times_out(
    sandbox: Sandbox, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.voice.withhold_description = True
    with pytest.raises(TimeoutError):
        await join(timeout_s=0.5)
    assert events(sandbox, "voice.withheld")


async def test_nothing_that_is_said_or_secret_enters_the_logs(
    sandbox: Sandbox, home: Home, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sandbox")
    await home.ann.join_voice(home.lounge)
    voice = await join()
    await in_one_group(sandbox, sandbox.bot.id, home.ann.id)
    key = bytes(voice.secret_key).hex()
    told = caplog.text + "".join(str(dict(event.details)) for event in sandbox.events)
    assert key not in told
    assert str(list(voice.secret_key)) not in told
