"""Frames into a Discord voice connection: the only file of this room that imports discord.

The thread border. discord.py plays from a thread of its own, which calls ``read()`` every 20 ms:
:class:`_Source` lives there. ``read()`` never waits and touches only :meth:`FrameBuffer.take`
and its own counters. Everything else is on the event loop; the thread tells the loop things by
``call_soon_threadsafe``, the loop tells the thread by flags that change one way.

What keeps frames in time: nothing in this process may hold the interpreter for long. Synthesis
is in other processes, and ``bot.py`` sets ``sys.setswitchinterval`` low.

discord.py has no event for "end-to-end encryption is ready" nor for "connected again", so the
first word polls for both; :func:`_is_private` is the only use of what is not its public interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import discord

from speech.base import FRAME_S, SILENCE
from speech.frames import END, FrameBuffer
from speech.settings import SpeechSettings

_log = logging.getLogger(__name__)

POLL_S = 0.02
PATIENCE = 10
"""Frames of silence sent while sound is late; then speaking pauses, so that nobody waits on it."""

LATE_S = 0.04
ERRORS = 3
"""A connection that cannot be sent to so often is given up for this reply."""


@dataclass
class Statistics:
    """Counted since the connection began.

    Attributes:
        frames: of sound that were sent.
        silences: sent in their stead, because sound was late or encryption not ready.
        underruns: how often sound was late inside a reply although there was text to speak.
        late: frames asked for more than 40 ms after the one before.
        private_wait_s: how long first words waited for encryption, in all.
    """

    frames: int = 0
    silences: int = 0
    underruns: int = 0
    late: int = 0
    private_wait_s: float = 0.0


class Playback:
    """The outlet of one voice connection, also over reconnects. Use it from the event loop.

    A reply that is interrupted by a lost connection goes on where it was when a client is attached
    again.
    """

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        self._client: discord.VoiceClient | None = None
        self._changed = asyncio.Event()
        self._statistics = Statistics()

    def attach(self, client: discord.VoiceClient) -> None:
        """Play into ``client`` from now on."""
        self._client = client
        self._changed.set()

    def detach(self) -> None:
        """Play nowhere; what is being played waits."""
        self._client = None
        self._changed.set()

    def statistics(self) -> Statistics:
        """A copy of the counts."""
        return Statistics(**vars(self._statistics))

    async def play(self, frames: FrameBuffer) -> None:
        """Play ``frames`` to their end; see :class:`speech.player.Outlet`.

        Cancelling ``frames``, or this, silences within one frame.
        """
        errors = 0
        while errors < ERRORS:
            await frames.more()
            client = await self._connected(frames)
            if client is None:
                return
            await self._private(client, frames)
            error = await self._send(client, frames)
            if error:
                errors += 1
                _log.info("voice playback was interrupted by %s", type(error).__name__)

    async def _connected(self, frames: FrameBuffer) -> discord.VoiceClient | None:
        """The client once it can be played to; None when there is nothing to play any more."""
        while not frames.over:
            if self._client and self._client.is_connected() and not self._client.is_playing():
                return self._client
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()
        return None

    async def _private(self, client: discord.VoiceClient, frames: FrameBuffer) -> None:
        """Wait until encryption is ready: words sent before are lost. Not for ever."""
        start_s = time.monotonic()
        while not _is_private(client) and not frames.over:
            if time.monotonic() - start_s > self._settings.dave_wait_s:
                _log.warning("voice encryption is not ready; speaking anyway")
                break
            await asyncio.sleep(POLL_S)
        self._statistics.private_wait_s += time.monotonic() - start_s

    async def _send(self, client: discord.VoiceClient, frames: FrameBuffer) -> Exception | None:
        """Play until the frames end, or the client is lost or replaced; the error if any."""
        ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        source = _Source(frames, client, self._statistics, self._settings.dave_wait_s)
        try:
            client.play(source, after=source.reporter(ended))
        except discord.ClientException as error:  # disconnected between the test and now
            return error
        try:
            while not ended.done() and self._client is client:
                await self._any(ended, source.dry.wait())
                if source.dry.is_set() and not ended.done() and self._client is client:
                    client.pause()
                    await self._any(ended, frames.more())
                    source.dry.clear()
                    client.resume()
        finally:
            source.retire()
            if not ended.done():
                client.stop()
        return ended.result() if ended.done() else None

    async def _any(
        self,
        ended: asyncio.Future[Exception | None],
        other: Coroutine[object, object, object],
    ) -> None:
        """Wait for either, or for another client."""
        self._changed.clear()
        waits: list[asyncio.Future[Any]] = [
            asyncio.create_task(other),
            asyncio.create_task(self._changed.wait()),
        ]
        try:
            await asyncio.wait({ended, *waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class _Source(discord.AudioSource):
    """What the player thread reads: frames while there are, silence while there will be."""

    def __init__(
        self,
        frames: FrameBuffer,
        client: discord.VoiceClient,
        statistics: Statistics,
        private_wait_s: float,
    ) -> None:
        self._frames = frames
        self._client = client
        self._statistics = statistics
        self._patience_private = int(private_wait_s / FRAME_S)
        self._loop = asyncio.get_running_loop()
        self._retired = False
        self._silences = 0
        self._asked_s = 0.0
        self._reads = 0
        self.dry = asyncio.Event()  # the loop's to wait for, to pause and to clear

    def is_opus(self) -> bool:
        """Frames are Opus already."""
        return True

    def read(self) -> bytes:
        """The next frame; silence while waiting; empty at the end. Never waits."""
        if self._retired:
            return END
        self._count_late()
        if self._patience_private and not _is_private(self._client):
            # A member came or went and keys are being changed: hold the word, but not for ever.
            self._patience_private -= 1
            self._statistics.silences += 1
            return SILENCE
        frame = self._frames.take()
        if frame is None:
            return self._wait()
        if frame != END:
            self._statistics.frames += 1
        self._silences = 0
        return frame

    def retire(self) -> None:
        """Take no more frames: another source will, or nobody. From the loop."""
        self._retired = True

    def reporter(self, ended: asyncio.Future[Exception | None]) -> _Reporter:
        """What the thread calls when it ends."""
        return _Reporter(self._loop, ended)

    def _wait(self) -> bytes:
        self._silences += 1
        self._statistics.silences += 1
        if self._silences == 1 and not self._frames.resting:
            self._statistics.underruns += 1
        if self._silences == PATIENCE:
            self._loop.call_soon_threadsafe(self.dry.set)
            self._reads = 0
        return SILENCE

    def _count_late(self) -> None:
        now_s = time.perf_counter()
        # discord.py itself leaves 40 ms after the first frame, and after a pause: not counted.
        if self._reads > 1 and now_s - self._asked_s > LATE_S:
            self._statistics.late += 1
        self._asked_s = now_s
        self._reads += 1


class _Reporter:
    """Brings the end of the player thread to the event loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[Exception | None]
    ) -> None:
        self._loop = loop
        self._ended = ended

    def __call__(self, error: Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: the bot is going
            self._loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(error)


def _is_private(client: discord.VoiceClient) -> bool:
    """Whether frames sent now can be decrypted by everybody, or need not be."""
    state = client._connection
    return state.dave_protocol_version == 0 or state.can_encrypt
