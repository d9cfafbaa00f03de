"""A process that speaks: started by :mod:`speech.opening`, fed by :mod:`speech.studio`.

Three threads. The reader takes messages off the pipe, and ends the process when the pipe
closes, which it also does when the bot is killed. The loader opens voices, so that a voice being
loaded silences nobody. The main thread gives jobs one step at a time, and a step makes one chunk
of sound. Next is whoever would fall silent first, so a short reply never waits for another's
long paragraph; and no job runs further ahead than its listener has asked for.

What is spoken never leaves this process but as sound: not in a log, not in an error.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import numpy as np

from speech.base import FRAME_S, Line, VoiceChoice, place_of
from speech.sound import F32, FrameMaker, gain_for, made_safe
from speech.wire import Kind, Message, Unpacker, pack, pack_frames

SAMPLE_TEXT: Mapping[str, str] = {"zh": "一二三四五六七", "ja": "いちにさんよんご"}
"""Spoken once when a voice opens, to learn how loud it is; other languages count in digits."""


MARGIN_S = 0.15
"""Replies that have less sound than this ahead go before those that only begin: better to begin
late than to fall silent."""

OUTSIDE_S = 1.5
"""So long after it was asked for, a reply that has not begun is as urgent as one that falls silent
then: where sound is made slower than it is heard, nobody waits for another's whole paragraph."""


class UnknownVoice(Exception):
    """No voice, or no speaker, of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class SpeakingVoice(Protocol):
    """A voice, open: what :func:`speech.opening.open_voice` gives, or a fake in the tests."""

    @property
    def rate_hz(self) -> int:
        """Samples per second."""

    def speak(self, text: str, choice: VoiceChoice, seed: int) -> Iterator[F32]:
        """float32 (n,) chunks; the same seed, the same sound. Raises UnknownVoice."""

    def current(self) -> bool:
        """False once another voice lies where this one was opened from: it was trained anew."""


@dataclass(frozen=True)
class Setup:
    """What the studio tells a worker first."""

    folders: tuple[str, ...]
    threads: int
    precision: str
    backend: str
    device: str
    voices_kept: int
    nice: int
    bitrate_bps: int


OpenVoice = Callable[[str, Setup], SpeakingVoice]
"""Opens a voice by name. Raises UnknownVoice when there is none."""


@dataclass
class _Open:
    voice: SpeakingVoice
    gain: float


class Voices:
    """Open voices, the least recently used leaving first; each is opened once, by the loader."""

    def __init__(
        self,
        open_voice: OpenVoice,
        setup: Setup,
        wake: Callable[[], None],
        tell: Callable[[str], None] = lambda voice: None,
    ) -> None:
        """``wake()`` and ``tell(voice)`` are called by the loader: when a voice is there or cannot
        be, and with a voice's name before it is opened, with "" after it."""
        self._open = open_voice
        self._setup = setup
        self._wake = wake
        self._tell = tell
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="voices")
        self._kept: OrderedDict[str, Future[_Open]] = OrderedDict()

    def get(self, name: str, language: str = "en") -> Future[_Open]:
        """The voice, now or later; opened anew if that failed before, or it was replaced since."""
        opened = self._kept.get(name)
        if opened is None or not _usable(opened):
            opened = self._loader.submit(self._load, name, language)
            opened.add_done_callback(lambda _: self._wake())
            self._kept[name] = opened
        self._kept.move_to_end(name)
        while len(self._kept) > self._setup.voices_kept:
            self._kept.popitem(last=False)
        return opened

    def names(self) -> list[str]:
        """Voices in memory."""
        return list(self._kept)

    def _load(self, name: str, language: str) -> _Open:
        self._tell(name)
        try:
            voice = self._open(name, self._setup)
            text = SAMPLE_TEXT.get(language.split("-")[0], "1 2 3 4 5")
            sample = [chunk for chunk in voice.speak(text, VoiceChoice(name), 0) if chunk.size]
            return _Open(voice, gain_for(np.concatenate(sample), voice.rate_hz) if sample else 1.0)
        finally:
            self._tell("")


def _usable(opened: Future[_Open]) -> bool:
    if not opened.done():
        return True
    return not opened.exception() and opened.result().voice.current()


Steps = Iterator[list[bytes] | str]
"""Frames, chunk by chunk; the name of a voice while it is being opened."""


@dataclass
class Job:
    """Lines to speak as one stream of frames."""

    number: int
    steps: Steps
    skip: int  # frames that were heard before the last worker died
    credit: int  # frames that the listener has asked for
    begun_s: float
    made: deque[bytes] = field(default_factory=deque)
    ended: bool = False
    waiting: bool = False  # for a voice
    sounding_s: float = 0.0  # when its first sound was made
    sound_s: float = 0.0  # how much was made

    def runnable(self) -> bool:
        """Whether a step would do something."""
        return self.credit > 0 and not self.waiting and (bool(self.made) or not self.ended)

    def due_s(self, now_s: float) -> tuple[float, float]:
        """Who is least is next: when the listener falls silent, or had better begin to hear."""
        if self.sounding_s:
            return self.sounding_s + self.sound_s, self.begun_s
        return min(now_s + MARGIN_S, self.begun_s + OUTSIDE_S), self.begun_s


def perform(lines: list[Line], seed: int, voices: Voices, bitrate: int) -> Steps:
    """Speak ``lines``."""
    maker = FrameMaker(bitrate)
    for number, line in enumerate(lines):
        opening = voices.get(line.choice.voice, line.choice.language)
        while not opening.done():
            yield line.choice.voice
        opened = opening.result()
        # Played faster or slower than it was made, a voice is higher or lower; made that much
        # slower or faster, it keeps its speed.
        rate_hz = max(1, round(opened.voice.rate_hz * line.choice.pitch))
        for samples in opened.voice.speak(line.text, line.choice, seed + number):
            yield maker.add(made_safe(samples, opened.gain), rate_hz)
        if line.pause_s:
            yield maker.pause(line.pause_s)
    yield maker.finish()


class Stage:
    """The main thread's work: who is next, and what is sent."""

    def __init__(
        self,
        voices: Voices,
        setup: Setup,
        send: Callable[[bytes], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._voices = voices
        self._setup = setup
        self._send = send
        self._jobs: dict[int, Job] = {}
        self._frames = 0

    def take(self, message: Message) -> None:
        """Do what the studio asks."""
        job = self._jobs.get(message.job)
        if message.kind is Kind.JOB:
            self._begin(message.job, message.json())
        elif message.kind is Kind.CREDIT and job:
            job.credit += int(message.json()["frames"])
        elif message.kind is Kind.CANCEL:
            self._jobs.pop(message.job, None)
        elif message.kind is Kind.WARM:
            self._voices.get(str(message.json()["voice"]))
        elif message.kind is Kind.PING:
            figures = {"voices": self._voices.names(), "jobs": len(self._jobs)}
            self._send(pack(Kind.PONG, message.job, figures | {"audio_s": self._frames * FRAME_S}))

    def _begin(self, number: int, order: dict[str, Any]) -> None:
        lines = [
            Line(line["text"], VoiceChoice(**line["choice"]), line["pause_s"])
            for line in order["lines"]
        ]
        steps = perform(lines, int(order["seed"]), self._voices, self._setup.bitrate_bps)
        skip, credit = int(order["skip"]), int(order["credit"])
        self._jobs[number] = Job(number, steps, skip, credit, self._clock())

    def look_again(self) -> None:
        """A voice was opened, or could not be."""
        for job in self._jobs.values():
            job.waiting = False

    def step(self) -> bool:
        """One step of the job that needs it most. False when there is nothing to do."""
        runnable = [job for job in self._jobs.values() if job.runnable()]
        if not runnable:
            return False
        now_s = self._clock()
        self._step(min(runnable, key=lambda job: job.due_s(now_s)))
        return True

    def _step(self, job: Job) -> None:
        if not job.made and not self._make(job):
            return
        sent = [job.made.popleft() for _ in range(min(job.credit, len(job.made)))]
        job.credit -= len(sent)
        self._frames += len(sent)
        if sent or not job.ended:
            self._send(pack_frames(job.number, sent))
        if job.ended and not job.made:
            self._jobs.pop(job.number)
            self._send(pack(Kind.END, job.number))

    def _make(self, job: Job) -> bool:
        """One chunk of sound; False if there is none to be had now."""
        self._send(pack(Kind.ONSTAGE, job.number))
        try:
            made = next(job.steps, ())
        except Exception as error:  # whatever a voice does, the worker lives on
            self._fail(job, error)
            return False
        if isinstance(made, str):
            job.waiting = True
            self._send(pack(Kind.WAITING, job.number, {"voice": made}))
            return False
        job.ended = made == ()
        fresh = list(made)[job.skip :]
        job.skip -= len(made) - len(fresh)
        job.made.extend(fresh)
        if fresh:
            job.sounding_s = job.sounding_s or self._clock()
            job.sound_s += len(fresh) * FRAME_S
        return True

    def _fail(self, job: Job, error: Exception) -> None:
        self._jobs.pop(job.number)
        body = {"error": place_of(error)}
        if isinstance(error, UnknownVoice):
            body["voice"] = error.name
        self._send(pack(Kind.FAILED, job.number, body))


def _read(pipe: int, inbox: queue.SimpleQueue[Message | None]) -> None:
    unpacker = Unpacker()
    with contextlib.suppress(OSError, ValueError):
        while data := os.read(pipe, 1 << 16):
            for message in unpacker.feed(data):
                inbox.put(message)
    os._exit(0)  # the bot has gone: nobody is left to speak for


def work(pipe_in: int, pipe_out: BinaryIO, open_voice: OpenVoice) -> None:
    """Serve one studio until its pipe closes; never returns."""
    inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()  # None: look again
    threading.Thread(target=_read, args=(pipe_in, inbox), name="reader", daemon=True).start()
    first = inbox.get()
    assert first is not None  # noqa: S101 - only voices put None, and there are none yet
    plan = first.json()
    setup = Setup(**plan | {"folders": tuple(plan["folders"])})
    if hasattr(os, "nice"):
        os.nice(setup.nice)

    sending = threading.Lock()

    def send(data: bytes) -> None:
        try:
            with sending:
                pipe_out.write(data)
                pipe_out.flush()
        except OSError:
            os._exit(0)

    def tell(voice: str) -> None:
        send(pack(Kind.LOADING, 0, {"voice": voice}))

    stage = Stage(Voices(open_voice, setup, lambda: inbox.put(None), tell), setup, send)
    send(pack(Kind.READY))
    busy = False
    while True:
        with contextlib.suppress(queue.Empty):
            while True:
                message = inbox.get(block=not busy)
                busy = True
                if message is None:
                    stage.look_again()
                else:
                    stage.take(message)
        busy = stage.step()


def main(open_voice: OpenVoice) -> None:
    """Take over this process's standard streams and work."""
    pipe_out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not print into the protocol
    sys.stdout = sys.stderr
    work(0, pipe_out, open_voice)
