"""Workers speak for many at once, die without losing a word, and end with the bot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from speech.base import FRAME_S, Line, NoSuchVoice, SpeechFailed, VoiceChoice
from speech.process import CREDIT
from speech.settings import SpeechSettings
from speech.studio import Studio, open_studio

FAKE = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
SETTINGS = SpeechSettings(voices=(), voice="tone", nice=0)
LETTER_S = 0.05


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with open_studio(SETTINGS, FAKE) as opened:
        yield opened


def line(text: str, voice: str = "tone", **choice: object) -> Line:
    return Line(text, replace(VoiceChoice(voice), **choice))


async def all_of(studio: Studio, *lines: Line) -> list[bytes]:
    return [frame async for frame in studio.speak(lines)]


async def pid_of(studio: Studio) -> int:
    await studio.warm("tone")  # waits for a worker
    return (await studio.health()).workers[0].pid


async def test_a_text_becomes_frames_of_its_length(studio: Studio) -> None:
    frames = await all_of(studio, line("x" * 40))
    assert len(frames) * FRAME_S == pytest.approx(40 * LETTER_S, abs=0.04)
    assert all(0 < len(frame) < 1276 and frame[0] >> 3 == 31 for frame in frames)  # CELT, 20 ms


async def test_lines_of_several_voices_are_one_stream(studio: Studio) -> None:
    pause = Line("x" * 20, VoiceChoice("bursting"), pause_s=0.5)
    frames = await all_of(studio, line("x" * 20), pause, line("x" * 20, speed=2.0))
    assert len(frames) * FRAME_S == pytest.approx(1 + 1 + 0.5 + 0.5, abs=0.04)


async def test_pitch_changes_no_length(studio: Studio) -> None:
    plain, high = [await all_of(studio, line("x" * 40, pitch=p)) for p in (1.0, 1.25)]
    assert len(high) == pytest.approx(len(plain), abs=2)
    assert high != plain


async def test_an_unknown_voice_or_speaker_is_named(studio: Studio) -> None:
    with pytest.raises(NoSuchVoice) as voice:
        await all_of(studio, line("hi", "nobody"))
    with pytest.raises(NoSuchVoice) as speaker:
        await all_of(studio, line("hi", speaker="zed"))
    assert (voice.value.details, speaker.value.details) == (
        {"voice": "nobody"},
        {"voice": "tone/zed"},
    )
    assert await all_of(studio, line("still here"))


async def test_nothing_to_say_is_no_error(studio: Studio) -> None:
    assert len(await all_of(studio)) <= 1
    assert len(await all_of(studio, line(""))) <= 1


async def test_a_worker_runs_no_further_ahead_than_it_is_listened_to(studio: Studio) -> None:
    speaking = studio.speak([line("x" * 4_000)])  # 200 s of sound
    for _ in range(10):
        await anext(speaking)
    # A second job's whole life passes; had the first one not waited, it would be far ahead.
    await all_of(studio, line("x" * 400))
    made_s = (await studio.health()).workers[0].audio_s
    assert made_s <= 400 * LETTER_S + (CREDIT + 30) * FRAME_S
    await speaking.aclose()


async def test_a_short_reply_does_not_wait_for_a_long_one(studio: Studio) -> None:
    order: list[str] = []

    async def speak(name: str, text: str) -> None:
        await all_of(studio, line(text))
        order.append(name)

    await asyncio.gather(speak("long", "x" * 2_000), speak("short", "x" * 20))
    assert order == ["short", "long"]


async def test_ten_at_once_are_each_heard_whole(studio: Studio) -> None:
    """Who is next, and that they advance together, is told in virtual time: test_stage.py."""
    alone = await all_of(studio, line("x" * 60))
    together = await asyncio.gather(*(all_of(studio, line("x" * 60)) for _ in range(10)))
    assert together == [alone] * 10


async def test_closing_cancels_at_once(studio: Studio) -> None:
    speaking = studio.speak([line("x" * 10_000)])
    await anext(speaking)
    await speaking.aclose()

    assert (await studio.health()).workers[0].jobs == 0
    assert await all_of(studio, line("next"))


async def test_a_worker_killed_in_a_sentence_loses_and_repeats_nothing(studio: Studio) -> None:
    whole = await all_of(studio, line("x" * 300))
    heard: list[bytes] = []
    async for frame in studio.speak([line("x" * 300)]):
        heard.append(frame)
        if len(heard) == 120:
            os.kill(await pid_of(studio), signal.SIGKILL)
    assert heard == whole
    assert (await studio.health()).lost == 1


async def test_a_sentence_that_kills_is_tried_twice_and_harms_nobody(studio: Studio) -> None:
    await pid_of(studio)

    async def deadly() -> None:
        with pytest.raises(SpeechFailed):
            await all_of(studio, line("CRASH" + "x" * 40, "fragile"))

    innocent, _ = await asyncio.gather(all_of(studio, line("x" * 400)), deadly())
    assert innocent == await all_of(studio, line("x" * 400))
    assert (await studio.health()).lost == 2


async def test_a_voice_that_raises_says_nothing_of_the_text(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SpeechFailed) as failed:
        await all_of(studio, line("my secret FAIL", "faulty"))
    assert "RuntimeError" in caplog.text
    assert "fake_worker.py" in caplog.text
    assert "secret" not in caplog.text + repr(failed.value) + repr(failed.value.__cause__)
    assert (await studio.health()).lost == 0


async def test_a_worker_that_hangs_is_replaced() -> None:
    async with open_studio(replace(SETTINGS, stall_s=0.5), FAKE) as studio:
        with pytest.raises(SpeechFailed):
            await all_of(studio, line("HANG" + "x" * 40, "stuck"))
        assert await all_of(studio, line("next"))


async def test_a_voice_that_never_opens_is_given_up_and_one_that_takes_time_is_not() -> None:
    async with open_studio(replace(SETTINGS, stall_s=0.8), FAKE) as studio:
        assert await all_of(studio, line("x" * 40, "late"))
        assert (await studio.health()).lost == 0
        with pytest.raises(SpeechFailed):
            await all_of(studio, line("hi", "endless"))
        assert (await studio.health()).lost == 2
        assert await all_of(studio, line("next"))


async def test_a_voice_that_kills_as_it_opens_is_tried_twice_and_harms_nobody(
    studio: Studio,
) -> None:
    whole = await all_of(studio, line("x" * 400))

    async def deadly() -> None:
        with pytest.raises(SpeechFailed):
            await all_of(studio, line("hi", "deadly"))

    # One speaks all the while, the other's voice is to be opened after the deadly one.
    innocent, _, behind = await asyncio.gather(
        all_of(studio, line("x" * 400)), deadly(), all_of(studio, line("x" * 40, "bursting"))
    )
    assert innocent == whole
    assert len(behind) * FRAME_S == pytest.approx(40 * LETTER_S, abs=0.04)
    assert (await studio.health()).lost == 2


async def test_a_worker_that_stands_still_between_two_steps_is_replaced() -> None:
    async with open_studio(replace(SETTINGS, stall_s=1.0), FAKE) as studio:
        whole = await all_of(studio, line("x" * 40))
        os.kill(await pid_of(studio), signal.SIGSTOP)
        assert await all_of(studio, line("x" * 40)) == whole
        assert (await studio.health()).lost == 1


async def test_a_worker_that_cannot_be_started_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "python"  # which is not there yet: the system refuses to start it
    async with open_studio(SETTINGS, (str(program), *FAKE[1:])) as studio:
        while caplog.text.count("cannot be started") < 2:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
        new = tmp_path / "new"
        new.write_text(f'#!/bin/sh\nexec {FAKE[0]} "$@"\n')
        new.chmod(0o755)
        new.rename(program)
        assert await all_of(studio, line("at last"))


async def test_health_counts_memory_voices_and_sound(studio: Studio) -> None:
    frames = await all_of(studio, line("x" * 40))
    health = (await studio.health()).workers[0]
    assert health.answers
    assert health.voices == ("tone",)
    assert health.audio_s == pytest.approx(len(frames) * FRAME_S)
    assert 10 << 20 < health.memory_bytes < 250 << 20


async def test_the_least_recently_used_voice_leaves() -> None:
    async with open_studio(replace(SETTINGS, voices_kept=2), FAKE) as studio:
        for voice in ("tone", "bursting", "tone", "fragile"):
            await all_of(studio, line("hi", voice))
        assert (await studio.health()).workers[0].voices == ("tone", "fragile")


async def test_a_warmed_voice_is_open_before_it_is_asked_for(studio: Studio) -> None:
    await studio.warm("tone")

    assert (await studio.health()).workers[0].voices == ("tone",)


async def test_workers_share_the_jobs() -> None:
    async with open_studio(replace(SETTINGS, workers=2), FAKE) as studio:
        await studio.warm("tone")
        speaking = [studio.speak([line("x" * 4_000)]) for _ in range(4)]
        for each in speaking:
            await anext(each)
        assert [worker.jobs for worker in (await studio.health()).workers] == [2, 2]
        for each in speaking:
            await each.aclose()


async def test_workers_end_with_the_studio() -> None:
    async with open_studio(SETTINGS, FAKE) as studio:
        pid = await pid_of(studio)
    assert not psutil.pid_exists(pid)


PARENT = """
import asyncio, sys
from pathlib import Path
from speech.settings import SpeechSettings
from speech.studio import open_studio

async def main():
    async with open_studio(SpeechSettings(voices=()), sys.argv[1:]) as studio:
        await studio.warm("tone")
        print((await studio.health()).workers[0].pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_workers_end_when_the_bot_is_killed() -> None:
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, *FAKE, stdout=asyncio.subprocess.PIPE
    )
    assert bot.stdout
    pid = int(await bot.stdout.readline())
    bot.kill()
    await bot.wait()

    with contextlib.suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.Process(pid).wait, 10)
    assert not psutil.pid_exists(pid)
