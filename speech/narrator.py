"""From text that is still being written to sound: the first sentence is heard while the next comes.

    spoken = narrator.begin(manner)
    spoken.feed("Hello. "); spoken.feed("How are"); spoken.feed(" you?"); spoken.end()
    async for frame in spoken.frames: ...

Text never waits for sound: :meth:`Spoken.feed` returns at once. Sound waits for its listener: the
buffer of frames is bounded, and behind it the worker. :meth:`Spoken.cancel` stops all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from errors import ParleyError
from speech.base import (
    FRAME_S,
    Listener,
    NoSuchVoice,
    SpeechFailed,
    SpeechMaker,
    VoiceChoice,
    place_of,
)
from speech.dictionary import Dictionary
from speech.emoji import emoji_names
from speech.frames import FrameBuffer
from speech.languages import Casting
from speech.sentences import Splitter
from speech.settings import SpeechSettings
from speech.speakable import speakable

_log = logging.getLogger(__name__)

FAILURES = 3
"""So many sentences may fail one after another before the rest is left unsaid."""


@dataclass(frozen=True)
class Manner:
    """How one reply is spoken, and to whom."""

    choice: VoiceChoice
    listener: Listener = field(default_factory=Listener)
    dictionary: Dictionary = field(default_factory=Dictionary)
    barred: frozenset[str] = frozenset()
    """Voices this person may not use (``speech.access``): not for any stretch of text."""


@dataclass(frozen=True)
class Report:
    """What became of a reply.

    Attributes:
        seconds: of sound that was made.
        sentences: that were made into sound.
        complete: everything was made, and not cut short or cancelled.
        failure: why a sentence was not spoken, for the person.
    """

    seconds: float
    sentences: int
    complete: bool
    failure: ParleyError | None = None


class Narrator:
    """Knows the studio and the cast; begins replies."""

    def __init__(self, studio: SpeechMaker, casting: Casting, settings: SpeechSettings) -> None:
        self._studio = studio
        self._casting = casting
        self._settings = settings

    def begin(self, manner: Manner) -> Spoken:
        """A reply that is fed by the caller, who must :meth:`Spoken.end` or cancel it."""
        return Spoken(self._studio, self._casting, self._settings, manner)

    def say(self, text: str, manner: Manner) -> Spoken:
        """A reply whose text is there already."""
        spoken = self.begin(manner)
        spoken.feed(text)
        spoken.end()
        return spoken

    def narrate(self, pieces: AsyncIterator[str], manner: Manner) -> Spoken:
        """A reply fed from ``pieces``. An error in them ends it; cancelling it leaves them."""
        spoken = self.begin(manner)
        spoken.follow(pieces)
        return spoken


class Spoken:
    """One reply on its way to being heard. Used from the event loop, but for ``frames.take``."""

    def __init__(
        self, studio: SpeechMaker, casting: Casting, settings: SpeechSettings, manner: Manner
    ) -> None:
        self._studio = studio
        self._casting = casting
        self._settings = settings
        self._manner = manner
        self._splitter = Splitter()
        self._sentences: deque[str] = deque()
        self._news = asyncio.Event()
        self._text_ended = asyncio.Event()
        self._emoji: list[str] = []
        self._made = 0
        self._frames_made = 0
        self._whole = True
        self._failure: ParleyError | None = None
        self._follower: asyncio.Task[None] | None = None
        self.frames = FrameBuffer(int(settings.buffer_s / FRAME_S))
        self.ready = asyncio.Event()  # the first sound is there, or there will be none
        self._finished = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="narrator")
        self._task.add_done_callback(self._close)

    # --- the writer's side ---

    def feed(self, piece: str) -> None:
        """The next piece of text. Never waits; ignored after :meth:`end` or :meth:`cancel`."""
        if not self._text_ended.is_set():
            self._sentences.extend(self._splitter.feed(piece))
            self._news.set()

    def end(self) -> None:
        """The text is complete."""
        if not self._text_ended.is_set():
            self._sentences.extend(self._splitter.flush())
            self._text_ended.set()
            self._news.set()

    def follow(self, pieces: AsyncIterator[str]) -> None:
        """Feed from a stream until it ends."""
        self._follower = asyncio.create_task(self._feed_from(pieces), name="narrator-follower")

    def cancel(self) -> None:
        """Silence: nothing more is made, and what was made and not heard is dropped."""
        self._text_ended.set()
        if self._follower:
            self._follower.cancel()
        self._task.cancel()
        self.frames.cancel()
        self.ready.set()

    # --- the listener's side ---

    async def late(self, *, whole: bool = False) -> bool:
        """Whether sound is missing ``late_s`` after the text ended; waits until that is known.

        ``whole`` asks for all of it, as a file needs; otherwise the first sound is enough.
        """
        sounded = self._finished if whole else self.ready
        await _either(self._text_ended, sounded)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.late_s):
                await sounded.wait()
        return not sounded.is_set()

    async def done(self) -> Report:
        """Wait until all sound was made, or there will be no more, and tell what became of it."""
        await self._finished.wait()
        return self.report()

    def report(self) -> Report:
        """What has become of it so far."""
        finished = self._task.done() and not self._task.cancelled()
        complete = finished and self._whole and self._failure is None
        return Report(self._frames_made * FRAME_S, self._made, complete, self._failure)

    # --- in between ---

    async def _feed_from(self, pieces: AsyncIterator[str]) -> None:
        try:
            async for piece in pieces:
                self.feed(piece)
        except Exception as error:  # who writes the text reports it; what was said stays said
            _log.info("the text of a reply ended with %s", place_of(error))
        finally:
            self.end()

    async def _run(self) -> None:
        failures = 0
        while (sentence := await self._next_sentence()) is not None:
            try:
                await self._speak(self._prepared(sentence))
                failures = 0
            except NoSuchVoice as failure:
                self._failure = failure
                return
            except SpeechFailed as failure:
                self._failure = failure
                failures += 1
                if failures == FAILURES:
                    return
            if self._frames_made * FRAME_S >= self._settings.reply_max_s:
                self._whole = False
                return
        if not self._made and self._emoji:
            await self._speak(emoji_names("".join(self._emoji), self._manner.listener.language))

    async def _next_sentence(self) -> str | None:
        """The next sentence when it is complete; None after the last."""
        while not self._sentences:
            if self._text_ended.is_set():
                return None
            self.frames.resting = True
            self._news.clear()
            await self._news.wait()
        self.frames.resting = False
        return self._sentences.popleft()

    def _prepared(self, sentence: str) -> str:
        text = speakable(sentence, self._manner.listener, self._manner.dictionary)
        if not text.strip():
            self._emoji.append(sentence)
        return text

    async def _speak(self, text: str) -> None:
        choice = replace(self._manner.choice, language=self._manner.listener.language)
        lines = self._casting.lines(text, choice, self._manner.barred)
        if not lines:
            return
        lines[-1] = replace(lines[-1], pause_s=self._settings.pause_s)
        async with contextlib.aclosing(self._studio.speak(lines)) as frames:
            async for frame in frames:
                await self.frames.put(frame)
                self._frames_made += 1
                self.ready.set()
        self._made += 1

    def _close(self, task: asyncio.Task[None]) -> None:
        self._text_ended.set()
        self.frames.end()
        self.ready.set()
        self._finished.set()
        if not task.cancelled() and (error := task.exception()):
            self._failure = SpeechFailed()
            _log.error("a reply could not be spoken: %s", place_of(error))


async def _either(*events: asyncio.Event) -> None:
    waits = {asyncio.ensure_future(event.wait()) for event in events}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
