"""Performs effects through the ports: in order within a server, servers beside each other.

Each effect is handed to a port once. A port that fails with something it did not announce is
logged and counts as a failed connection; it never stops the effects behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from lobby.ports import NoticePort, VoiceFailed, VoicePort
from lobby.records import Connect, Deeds, Disconnect, Move, NoticeKind, Silence, Tell, Why

_log = logging.getLogger(__name__)

Failed = Callable[[int, int, Why], Awaitable[None]]
"""``failed(guild_id, channel_id, why)``: a connection could not be made."""
Idle = Callable[[int], Awaitable[None]]
"""``idle(guild_id)``: everything that was decided for this server has been performed."""


class Performer:
    """The hands of the director. Use within a running loop."""

    def __init__(
        self, voice: VoicePort, notices: NoticePort, connect_s: float, failed: Failed, idle: Idle
    ) -> None:
        self._voice = voice
        self._notices = notices
        self._connect_s = connect_s
        self._failed = failed
        self._idle = idle
        self._queues: dict[int, deque[Deeds]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def perform(self, effects: Iterable[Deeds]) -> None:
        """Take effects over, in order. Returns at once."""
        for effect in effects:
            if isinstance(effect, Silence):
                # At once: not behind a connection that is still being made.
                self._spawn(self._one(effect))
            elif effect.guild_id in self._queues:
                self._queues[effect.guild_id].append(effect)
            else:
                self._queues[effect.guild_id] = deque([effect])
                self._spawn(self._drain(effect.guild_id))

    def busy(self, guild_id: int) -> bool:
        """Whether something is being performed in this server."""
        return guild_id in self._queues

    async def settled(self) -> None:
        """Wait until there is nothing left to perform."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop, in the middle if need be."""
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, guild_id: int) -> None:
        queue = self._queues[guild_id]
        try:
            while queue:
                await self._one(queue.popleft())
        finally:
            del self._queues[guild_id]
        await self._idle(guild_id)

    async def _one(self, effect: Deeds) -> None:
        try:
            match effect:
                case Connect(guild_id, channel_id):
                    await self._reach(self._voice.connect, guild_id, channel_id)
                case Move(guild_id, channel_id):
                    await self._reach(self._voice.move, guild_id, channel_id)
                case Disconnect(guild_id):
                    await self._voice.leave(guild_id)
                case Silence(guild_id, person_id):
                    await self._voice.silence(guild_id, person_id)
                case Tell(notice, ping):
                    await (self._notices.ping if ping else self._notices.tell)(notice)
        except Exception:
            # A port promises not to fail; what it did must not cost the others their effects.
            name = type(effect).__name__
            _log.exception("%s in server %d was not performed", name, effect.guild_id)

    async def _reach(
        self, port: Callable[[int, int], Awaitable[None]], guild_id: int, channel_id: int
    ) -> None:
        try:
            async with asyncio.timeout(self._connect_s):
                await port(guild_id, channel_id)
        except VoiceFailed as failure:
            why = failure.why
        except TimeoutError:
            why = Why.CONNECTION_FAILED
        except Exception:
            _log.exception("the voice port failed in server %d", guild_id)
            why = Why.CONNECTION_FAILED
        else:
            return
        # "Your turn has come" would be wrong now; that it is over is told next.
        queue = self._queues[guild_id]
        kept = [each for each in queue if not _announces(each, channel_id)]
        queue.clear()
        queue.extend(kept)
        _log.info("no voice in channel %d of server %d: %s", channel_id, guild_id, why)
        await self._failed(guild_id, channel_id, why)


def _announces(effect: Deeds, channel_id: int) -> bool:
    """Whether it tells somebody that Parley joined them in this channel."""
    if not isinstance(effect, Tell):
        return False
    notice = effect.notice
    return notice.kind is NoticeKind.STARTED and notice.channel_id == channel_id
