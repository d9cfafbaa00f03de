"""The contract of ``SpeechMaker``: a fake, a worker of tones and the real voice all keep it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from speech.base import Line, NoSuchVoice, SpeechMaker, VoiceChoice
from speech.settings import SpeechSettings
from speech.studio import open_studio
from tests.speech.fakes import FakeStudio

TONES = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
TEXT = "A sentence that is not too short."


@dataclass(frozen=True)
class Subject:
    """A maker and the name of a voice it has."""

    maker: SpeechMaker
    voice: str

    def line(self, text: str, pause_s: float = 0.0) -> Line:
        return Line(text, VoiceChoice(self.voice), pause_s)

    async def frames(self, *lines: Line) -> list[bytes]:
        return [frame async for frame in self.maker.speak(lines)]


@pytest.fixture(params=["fake", "tones", "voice"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield Subject(FakeStudio(), "joe")
        elif request.param == "tones":
            tones = await stack.enter_async_context(open_studio(SpeechSettings(nice=0), TONES))
            yield Subject(tones, "tone")
        else:
            settings = SpeechSettings()
            studio = await stack.enter_async_context(open_studio(settings))
            yield Subject(studio, settings.voice)


async def test_frames_are_opus_of_20_ms(subject: Subject) -> None:
    frames = await subject.frames(subject.line(TEXT))
    assert len(frames) > 10
    # The table of contents (RFC 6716 3.1): configurations of 20 ms, one frame a packet, mono.
    assert {frame[0] & 0b111 for frame in frames} == {0}
    assert all(1 <= len(frame) <= 1_275 for frame in frames)


async def test_lines_follow_each_other(subject: Subject) -> None:
    one = len(await subject.frames(subject.line(TEXT)))
    three = len(await subject.frames(*[subject.line(TEXT)] * 3))
    assert three == pytest.approx(3 * one, rel=0.35)


async def test_no_lines_give_hardly_a_frame(subject: Subject) -> None:
    assert len(await subject.frames()) <= 1


async def test_frames_come_before_all_are_made(subject: Subject) -> None:
    speaking = subject.maker.speak([subject.line(f"{TEXT} " * 20)])
    async with asyncio.timeout(20):
        assert await anext(speaking)
    await speaking.aclose()


async def test_closing_cancels_and_the_next_is_spoken(subject: Subject) -> None:
    speaking = subject.maker.speak([subject.line(f"{TEXT} " * 50)])
    await anext(speaking)
    await speaking.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(speaking)
    assert await subject.frames(subject.line(TEXT))


async def test_several_at_once(subject: Subject) -> None:
    each = await asyncio.gather(*(subject.frames(subject.line(TEXT)) for _ in range(4)))
    assert all(len(frames) > 10 for frames in each)


async def test_a_voice_that_is_not_there_is_named(subject: Subject) -> None:
    with pytest.raises(NoSuchVoice) as failed:
        await subject.frames(Line(TEXT, VoiceChoice("nobody")))
    assert failed.value.details == {"voice": "nobody"}
    assert await subject.frames(subject.line(TEXT))
