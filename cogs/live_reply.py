"""One answer, shown while it is being written: messages edited as text grows.

Two rules, held by tests:

1. an edit happens at most every ``gap_s`` and only for ``least`` new characters, or the end;
   the latest text wins, and the last edit always lands;
2. a message that is full is never touched again; text flows into the next one.

:class:`Throttle` is pure (time is passed in); :class:`LiveReply` performs.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import discord

from cogs.pages import BLANK, Page, paginate
from cogs.places import UNDELIVERED, Gone, Place

log = logging.getLogger(__name__)

LANDING_TRIES = 3
REST_NAME = "answer.txt"


@dataclass(slots=True)
class Throttle:
    """Says when the next edit is due."""

    gap_s: float
    least: int
    shown: int = 0
    last_s: float = float("-inf")

    def due_s(self, length: int, *, ended: bool, now_s: float) -> float | None:
        """Seconds until an edit is due; None while there is nothing worth one."""
        # The first words are worth showing at once: they end the "thinking..." of the start.
        worth = 1 if self.shown == 0 else self.least
        if not ended and length - self.shown < worth:
            return None
        return max(0.0, self.last_s + self.gap_s - now_s)

    def edited(self, length: int, *, now_s: float) -> None:
        """An edit that showed ``length`` characters has landed."""
        self.shown, self.last_s = length, now_s


@dataclass(frozen=True)
class Ending:
    """What is added when the text is complete: small lines under it, and buttons."""

    notes: tuple[str, ...] = ()
    view: discord.ui.View | None = None

    @property
    def footer(self) -> str:
        """The notes as Discord shows them small."""
        return "\n".join(f"-# {note}" for note in self.notes)

    def noting(self, note: str) -> Ending:
        """The same with one more note, if there is one."""
        return replace(self, notes=(*self.notes, note)) if note else self


class LiveReply:
    """Shows text in ``place`` while it arrives.

    ``feed`` never waits. ``finish`` returns once the last edit has landed. When somebody deletes
    the message, ``on_gone`` is called once and what follows is not shown.
    """

    def __init__(
        self,
        place: Place,
        throttle: Throttle,
        *,
        view: discord.ui.View | None = None,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._place = place
        self._throttle = throttle
        self._view = view
        self._on_gone = on_gone
        self._text = ""
        self._ending: Ending | None = None
        self._changed = asyncio.Event()
        self._messages: list[discord.Message] = []
        self._rendered: list[tuple[str, discord.ui.View | None]] = []
        self._gone = False
        self._task = asyncio.create_task(self._run(), name="live reply")

    @property
    def text(self) -> str:
        """Everything fed so far: it is seen, or will be before ``finish`` returns.

        Once somebody deleted the messages, what was seen until then.
        """
        return self._text

    @property
    def messages(self) -> list[discord.Message]:
        """The messages sent so far, in order."""
        return list(self._messages)

    def feed(self, piece: str) -> None:
        """Take the next piece of text."""
        if not self._gone:
            self._text += piece
            self._changed.set()

    def take_back(self) -> None:
        """Show nothing of what was written."""
        self._text = ""

    async def finish(self, ending: Ending) -> list[discord.Message]:
        """Show everything, and the ending. Raises what Discord answered if it would not."""
        self._ending = ending
        self._changed.set()
        await self._task
        return self.messages

    async def amend(self, ending: Ending) -> None:
        """Change the ending after ``finish``. What Discord refuses is logged, not raised."""
        self._ending = ending
        if not self._gone:
            await self._show(paginate(self._text, footer=self._footer), landing=False)

    async def abandon(self) -> None:
        """Stop editing at once."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self._gone:
            self._changed.clear()
            ended = self._ending is not None
            due_s = self._throttle.due_s(len(self._text), ended=ended, now_s=clock())
            if due_s is None:
                await self._changed.wait()
            elif due_s > 0:
                await asyncio.sleep(due_s)
            else:
                length = len(self._text)
                await self._show(paginate(self._text, footer=self._footer), landing=ended)
                self._throttle.edited(length, now_s=clock())
                if ended:
                    return

    @property
    def _footer(self) -> str:
        return self._ending.footer if self._ending else ""

    async def _show(self, pages: list[Page], *, landing: bool) -> None:
        """Bring Discord to these pages. Unless ``landing``, a failure waits for the next edit."""
        try:
            await self._bring(pages, landing=landing)
        except Gone:
            self._gone = True
            self._text = self._text[: self._throttle.shown]
            self._on_gone()

    async def _bring(self, pages: list[Page], *, landing: bool) -> None:
        view = self._ending.view if self._ending else self._view
        shown, rest = self._fitted(pages)
        for index, content in enumerate(shown):
            added = (view, rest) if index == len(shown) - 1 else (None, "")
            for tries_left in reversed(range(LANDING_TRIES if landing else 1)):
                try:
                    await self._put(index, content, *added)
                    break
                except UNDELIVERED as error:
                    log.warning("an edit failed: %s", type(error).__name__)
                    if landing and not tries_left:
                        raise
                    if not landing:
                        return
                    await asyncio.sleep(self._throttle.gap_s)
        for _ in range(len(self._messages) - len(shown)):
            await self._place.remove(self._messages.pop())
            self._rendered.pop()

    def _fitted(self, pages: list[Page]) -> tuple[list[str], str]:
        """The messages there is room for, and the text that has to go into a file.

        The file comes with the last message, under which the ending stands. Until the text is
        complete, neither is sent.
        """
        shown, room = [page.render() for page in pages], self._place.room
        if room is None or len(pages) < room:
            return shown, ""
        if self._ending is None:
            return shown[: room - 1], ""
        rest = "".join(page.body for page in pages[room - 1 :])
        return [*shown[: room - 1], self._footer or BLANK], rest

    async def _put(self, index: int, content: str, view: discord.ui.View | None, rest: str) -> None:
        if index == len(self._messages):
            file = discord.File(io.BytesIO(rest.encode()), REST_NAME) if rest else None
            self._messages.append(await self._place.send(content, view, file=file))
            self._rendered.append((content, view))
        elif self._rendered[index] != (content, view):
            await self._place.edit(self._messages[index], content, view)
            self._rendered[index] = (content, view)
