"""The bot's end of one speaking worker: the process, its pipe, and the jobs it has.

Used from one event loop. A worker that ends, or hangs, takes no sentence with it: its jobs raise
:class:`WorkerLost` to the studio, which gives them to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from speech.base import Line, NoSuchVoice, SpeechFailed
from speech.wire import Kind, Message, Unpacker, pack

_log = logging.getLogger(__name__)

CREDIT = 100
"""Frames that may be on their way to a job's consumer: 2 s, about 18 kB."""

CREDIT_STEP = 25
"""Credit goes back in such portions, so that it costs few messages."""

LOADING_STALLS = 4
"""So many times as long as anything else may the opening of a voice take: from a slow disk, for the
first time."""


class WorkerLost(Exception):
    """The worker is gone. ``guilty``: it was at work on this very job, or opening its voice."""

    def __init__(self, *, guilty: bool) -> None:
        super().__init__("a speaking worker was lost")
        self.guilty = guilty


class _Job:
    """What has arrived for one job, and who waits for it."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque()
        self.arrived = asyncio.Event()
        self.ended = False
        self.failure: Exception | None = None
        self.credit = 0  # frames that the worker may send and has not
        self.voice = ""  # that it waits for

    def end(self, failure: Exception | None = None) -> None:
        self.failure = self.failure or failure
        self.ended = True
        self.arrived.set()


class WorkerProcess:
    """One running worker. Make one with :meth:`start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._jobs: dict[int, _Job] = {}
        self._number = 0
        self._pongs: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._onstage = 0
        self._loading, self._loading_since_s = "", 0.0
        self._heard_s = 0.0  # when it last sent something, or began to owe something
        self._guilty: set[int] | None = None  # of a hang
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()
        self._last_words = ""
        self._reader = asyncio.create_task(self._read(), name="speech-worker-reader")
        self._listener = asyncio.create_task(self._listen(), name="speech-worker-listener")

    @staticmethod
    async def start(command: Sequence[str], setup: Mapping[str, Any]) -> WorkerProcess:
        """Start a process and tell it its setup; :attr:`ready` is set when it answers."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        worker = WorkerProcess(process)
        worker._send(pack(Kind.SETUP, 0, setup))
        return worker

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """Why it never became ready, if it said so."""
        return self._last_words

    @property
    def load(self) -> int:
        """How many jobs it has."""
        return len(self._jobs)

    def hangs(self, stall_s: float) -> bool:
        """Whether it owed something for so long and was silent, or opens a voice for far too long.

        Jobs that wait for each other, or for a voice that waits for another, owe nothing.
        """
        now_s = time.monotonic()
        if self._owes() and now_s - self._heard_s > stall_s:
            self._guilty = {self._onstage}
        elif self._loading and now_s - self._loading_since_s > LOADING_STALLS * stall_s:
            self._guilty = self._loaded_for()
        else:
            return False
        return True

    def _owes(self) -> bool:
        """Whether its next message must be on its way."""
        return self._onstage > 0 or any(
            job.credit > 0 and not job.ended and not (job.voice and self._loading)
            for job in self._jobs.values()
        )

    def _loaded_for(self) -> set[int]:
        """The jobs that wait for the voice that is being opened."""
        jobs = self._jobs.items()
        return {number for number, job in jobs if self._loading and job.voice == self._loading}

    def _grant(self, job: _Job, frames: int) -> None:
        if not self._owes():  # it was silent with reason
            self._heard_s = time.monotonic()
        job.credit += frames

    def memory_bytes(self) -> int:
        """Resident memory; 0 when it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    async def perform(
        self, lines: Sequence[Line], *, seed: int, skip: int
    ) -> AsyncGenerator[bytes]:
        """Frames of ``lines`` from frame ``skip`` on.

        Raises WorkerLost, SpeechFailed or NoSuchVoice. Closing the iterator cancels the job.
        """
        self._number += 1
        number, job = self._number, _Job()
        self._jobs[number] = job
        if self.gone.is_set():
            job.end(WorkerLost(guilty=False))
        self._grant(job, CREDIT)
        order = {"seed": seed, "skip": skip, "credit": CREDIT}
        self._send(pack(Kind.JOB, number, order | {"lines": list(map(dataclasses.asdict, lines))}))
        taken = 0
        try:
            while True:
                while job.frames:
                    yield job.frames.popleft()
                    taken += 1
                    if taken % CREDIT_STEP == 0:
                        self._grant(job, CREDIT_STEP)
                        self._send(pack(Kind.CREDIT, number, {"frames": CREDIT_STEP}))
                if job.ended:
                    break
                job.arrived.clear()
                await job.arrived.wait()
            if job.failure:
                raise job.failure
        finally:
            if self._jobs.pop(number, None) and not job.ended:
                self._send(pack(Kind.CANCEL, number))

    def warm(self, voice: str) -> None:
        """Have a voice opened before it is needed."""
        self._send(pack(Kind.WARM, 0, {"voice": voice}))

    async def ping(self) -> dict[str, Any]:
        """The worker's own figures: ``voices``, ``jobs``, ``audio_s``. Raises WorkerLost."""
        self._number += 1
        number = self._number
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pongs[number] = answer
        try:
            if self.gone.is_set():
                raise WorkerLost(guilty=False)
            self._send(pack(Kind.PING, number))
            return await answer
        finally:
            del self._pongs[number]

    async def stop(self, grace_s: float = 2.0) -> None:
        """End the process: by closing its pipe, by force if it does not go."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace_s):
                await self.gone.wait()
        except TimeoutError:
            self.kill()
            await self.gone.wait()
        await self._reader

    def kill(self) -> None:
        """End the process now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def _send(self, data: bytes) -> None:
        # Orders are small and their number is bounded, so nothing waits for the pipe to drain.
        if self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    async def _read(self) -> None:
        unpacker = Unpacker()
        assert self._process.stdout  # noqa: S101 - for the type checker
        try:
            while data := await self._process.stdout.read(1 << 16):
                for message in unpacker.feed(data):
                    self._take(message)
        except ValueError:
            _log.exception("a speaking worker broke its protocol")
            self.kill()
        finally:
            await self._process.wait()
            await self._listener
            self.gone.set()
            self._lose_jobs()

    async def _listen(self) -> None:
        """Empty standard error. Libraries may print what they are given to speak, which belongs in
        no log; what is printed before anything was spoken is kept, to say why a start failed."""
        assert self._process.stderr  # noqa: S101 - for the type checker
        while data := await self._process.stderr.read(1 << 12):
            if not self.ready.is_set():
                self._last_words = data.decode(errors="replace").strip().rpartition("\n")[2][:300]

    def _take(self, message: Message) -> None:
        job = self._jobs.get(message.job)
        self._heard_s = time.monotonic()
        if message.kind is Kind.LOADING:
            self._loading, self._loading_since_s = message.json()["voice"], self._heard_s
            return
        if message.kind is Kind.ONSTAGE:
            self._onstage = message.job
            if job:
                job.voice = ""
            return
        if message.kind is Kind.READY:
            self.ready.set()
        elif message.kind is Kind.PONG:
            if (answer := self._pongs.get(message.job)) and not answer.done():
                answer.set_result(message.json())
            return
        self._onstage = 0
        if job is None:
            return  # cancelled meanwhile
        if message.kind is Kind.FRAMES:
            frames = message.frames()
            job.credit -= len(frames)
            job.frames.extend(frames)
            job.arrived.set()
        elif message.kind is Kind.WAITING:
            job.voice = message.json()["voice"]
        elif message.kind is Kind.END:
            job.end()
        elif message.kind is Kind.FAILED:
            job.end(_failure(message.json()))

    def _lose_jobs(self) -> None:
        # A step is one of thousands, opening a voice is rare and much code: of a worker that died
        # in both, the voice is the likelier cause.
        guilty = self._guilty if self._guilty is not None else self._loaded_for() or {self._onstage}
        for number, job in self._jobs.items():
            if not job.ended:
                job.end(WorkerLost(guilty=number in guilty))
        for answer in self._pongs.values():
            if not answer.done():
                answer.set_exception(WorkerLost(guilty=False))


def _failure(report: Mapping[str, Any]) -> Exception:
    if "voice" in report:
        return NoSuchVoice(voice=report["voice"])
    _log.error("a voice failed: %s", report["error"])
    return SpeechFailed()
