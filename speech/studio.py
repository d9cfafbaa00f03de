"""The studio: worker processes that turn lines into frames, and are replaced when they die.

    async with open_studio(settings) as studio:
        async for frame in studio.speak(lines): ...

The bot's process does no synthesis: a player thread that wants to send a frame would wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from speech.base import Line, SpeechFailed
from speech.process import WorkerLost, WorkerProcess
from speech.settings import SpeechSettings

_log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "speech.opening")
START_S = 30.0
"""A worker that is not ready by then is not going to be."""

INNOCENT_TRIES = 5
"""How many workers may be lost under a sentence that was not the one they were at work on."""


@dataclass(frozen=True)
class WorkerHealth:
    """One worker's figures. ``answers`` is False when it did not answer in time."""

    pid: int
    answers: bool
    memory_bytes: int
    jobs: int
    voices: tuple[str, ...]
    audio_s: float


@dataclass(frozen=True)
class StudioHealth:
    """All workers, and how many were lost and replaced since the start."""

    workers: tuple[WorkerHealth, ...]
    lost: int


class _Seat:
    """A place for a worker, filled again whenever it falls empty."""

    def __init__(self) -> None:
        self.worker: WorkerProcess | None = None
        self.filled = asyncio.Event()


class Studio:
    """See the module. Made by :func:`open_studio`; used from one event loop."""

    def __init__(self, settings: SpeechSettings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = tuple(command)
        self._seats = [_Seat() for _ in range(settings.workers)]
        self._lost = 0
        self._random = random.Random()
        self._keepers: list[asyncio.Task[None]] = []

    async def speak(self, lines: Sequence[Line]) -> AsyncGenerator[bytes]:
        """Opus frames of ``lines``; see :class:`speech.base.SpeechMaker`.

        When its worker is lost the rest is made by another one, once; the same seed makes the
        same sound, so what was delivered is skipped and not heard twice.

        Raises:
            NoSuchVoice: a voice or a speaker is not installed.
            SpeechFailed: it failed, also when tried again.
        """
        seed, delivered, guilty = self._random.getrandbits(31), 0, 0
        for _ in range(INNOCENT_TRIES):
            worker = await self._worker()
            performance = worker.perform(lines, seed=seed, skip=delivered)
            try:
                async for frame in performance:
                    delivered += 1
                    yield frame
            except WorkerLost as lost:
                guilty += lost.guilty
                if guilty > 1:
                    break
            else:
                return
            finally:
                await performance.aclose()
        raise SpeechFailed

    async def warm(self, voice: str) -> None:
        """Have the workers that are up, one at least, open ``voice`` before it is needed.

        Raises :class:`SpeechFailed` when none comes up.
        """
        await self._worker()
        for seat in self._seats:
            if seat.worker and seat.filled.is_set():
                seat.worker.warm(voice)

    async def health(self, timeout_s: float = 2.0) -> StudioHealth:
        """How the workers are."""
        workers = [seat.worker for seat in self._seats if seat.worker]
        asked = (self._health(worker, timeout_s) for worker in workers)
        return StudioHealth(tuple(await asyncio.gather(*asked)), self._lost)

    async def _health(self, worker: WorkerProcess, timeout_s: float) -> WorkerHealth:
        memory = worker.memory_bytes()
        try:
            async with asyncio.timeout(timeout_s):
                own = await worker.ping()
        except (TimeoutError, WorkerLost):
            return WorkerHealth(worker.pid, False, memory, worker.load, (), 0.0)
        voices = tuple(map(str, own["voices"]))
        return WorkerHealth(worker.pid, True, memory, worker.load, voices, float(own["audio_s"]))

    async def _worker(self) -> WorkerProcess:
        """The worker with the fewest jobs; waits for one if all are being replaced."""
        while True:
            present = [seat.worker for seat in self._seats if seat.worker and seat.filled.is_set()]
            if present:
                return min(present, key=lambda worker: worker.load)
            waits = [asyncio.ensure_future(seat.filled.wait()) for seat in self._seats]
            try:
                done, _ = await asyncio.wait(
                    waits, timeout=START_S, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for wait in waits:
                    wait.cancel()
            if not done:
                raise SpeechFailed

    async def _open(self) -> None:
        self._keepers = [
            asyncio.create_task(self._keep(seat), name=f"speech-worker-{number}")
            for number, seat in enumerate(self._seats)
        ]

    async def _close(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(seat.worker.stop() for seat in self._seats if seat.worker))

    async def _keep(self, seat: _Seat) -> None:
        """Keep a worker in ``seat``; wait longer each time one falls over at once."""
        pause_s = 0.0
        while True:
            await asyncio.sleep(pause_s)
            started_s = time.monotonic()
            try:
                seat.worker = await WorkerProcess.start(self._command, self._setup())
            except (OSError, RuntimeError) as error:  # no memory, no process or thread to be had
                _log.error("a speaking worker cannot be started: %s", type(error).__name__)
            else:
                await self._attend(seat, seat.worker)
                seat.filled.clear()
                self._lost += 1
                why = f": {seat.worker.last_words}" if not seat.worker.ready.is_set() else ""
                _log.warning("speaking worker %s was lost and is replaced%s", seat.worker.pid, why)
            lived_s = time.monotonic() - started_s
            pause_s = 0.0 if lived_s > 5 else min(5.0, max(0.1, pause_s * 2))

    async def _attend(self, seat: _Seat, worker: WorkerProcess) -> None:
        """Announce a worker when it is ready; return when it is gone; end it if it hangs."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await _first(worker.ready, worker.gone)
        if not worker.ready.is_set():
            worker.kill()
        elif not worker.gone.is_set():
            seat.filled.set()
        while not worker.gone.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, self._settings.stall_s / 4)):
                    await worker.gone.wait()
            if worker.hangs(self._settings.stall_s):
                _log.warning("speaking worker %s hangs", worker.pid)
                worker.kill()

    def _setup(self) -> dict[str, object]:
        settings = self._settings
        return {
            "folders": [str(folder.resolve()) for folder in settings.voices],
            "threads": settings.worker_threads(),
            "precision": settings.precision,
            "backend": settings.backend,
            "device": settings.device,
            "voices_kept": settings.voices_kept,
            "nice": settings.nice,
            "bitrate_bps": settings.bitrate_bps,
        }


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


@asynccontextmanager
async def open_studio(
    settings: SpeechSettings, command: Sequence[str] = COMMAND
) -> AsyncIterator[Studio]:
    """Start the workers; end them on leaving. Speaking waits until the first is ready.

    ``command`` starts a worker: a program that calls :func:`speech.worker.main`.
    """
    studio = Studio(settings, command)
    await studio._open()
    try:
        yield studio
    finally:
        await studio._close()
