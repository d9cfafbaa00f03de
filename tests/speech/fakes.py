"""A studio and an outlet without processes and sockets, for tests of what lies between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from speech.base import SILENCE, Line, NoSuchVoice, SpeechFailed
from speech.frames import END, FrameBuffer

LETTER_FRAMES = 2


def letters(count: int) -> str:
    """So many letters that speakable text leaves as they are."""
    return ("abcdefghij" * 20)[:count]


class FakeStudio:
    """Two frames a letter at once; keeps the contract of tests/speech/test_studio.py.

    ``hold`` keeps sound back until it is set; a text with "broken" raises; ``closed`` counts the
    jobs that were cancelled.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.closed = 0

    @property
    def said(self) -> list[str]:
        """The texts asked for, one a job."""
        return [line.text for line in self.lines]

    async def speak(self, lines: Sequence[Line]) -> AsyncGenerator[bytes]:
        self.lines += lines
        complete = False
        try:
            await self.hold.wait()
            for line in lines:
                if line.choice.voice == "nobody":
                    raise NoSuchVoice(voice="nobody")
                for number in range(len(line.text) * LETTER_FRAMES):
                    if "broken" in line.text and number >= LETTER_FRAMES:
                        raise SpeechFailed
                    yield SILENCE
            complete = True
        finally:
            self.closed += not complete


class FakeOutlet:
    """Plays as fast as it can, or one frame for each ``tick``."""

    def __init__(self, *, ticking: bool = False) -> None:
        self.played: list[int] = []  # frames of each reply
        self.playing = 0
        self.most = 0
        self._ticking = ticking
        self._ticks = asyncio.Semaphore(0)

    def tick(self, frames: int = 1) -> None:
        """Let so many frames be played."""
        for _ in range(frames):
            self._ticks.release()

    async def play(self, frames: FrameBuffer) -> None:
        self.playing += 1
        self.most = max(self.most, self.playing)
        self.played.append(0)
        try:
            while True:
                await frames.more()
                if self._ticking and not frames.over:
                    await self._ticks.acquire()
                frame = frames.take()
                if frame == END:
                    return
                self.played[-1] += frame is not None
        finally:
            self.playing -= 1


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Let the loop run until ``condition`` holds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - plain objects have no event to wait for
            await asyncio.sleep(0)
