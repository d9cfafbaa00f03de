"""One answer, from its place in the line to the saved turn.

    answer = responder.answer(ask)            # takes a place in the person's line at once
    async with answer:                        # waits for its turn; checks; opens the window
        async for piece in answer:            # text, as the model writes it
            ...
        await answer.settle(seen, complete)   # the turn is saved, as what was seen

Leaving the block without settling saves what was handed out. An error of the model is raised by the
loop, after every piece that came before it; the turn is settled all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from dialogue.ask import Ask, Finish, Spent
from dialogue.errors import AskedBeforeForget, EmptyAnswer
from dialogue.failures import FAILURES, failure
from dialogue.lines import Place
from dialogue.memory import Look, Saved
from dialogue.model import Piece
from errors import ParleyError
from storage.records import GuildSettings, Persona
from words import N_, Words

if TYPE_CHECKING:
    from dialogue.responder import Responder

DEMO = N_("{model}, a small demo model on this machine: it makes things up")
LEFT_ONE = N_("{n} older message left my memory")
LEFT_MANY = N_("{n} older messages left my memory")
MESSAGE_CUT = N_("your message was too long: I read its beginning only")
ANSWER_CUT = N_("the answer reached its length limit")
PICTURES_DROPPED = N_("I can't see pictures here")
PICTURES_CUT = N_("I looked at the first {n} pictures only")
FILE_CUT = N_("I read only the beginning of a file")
POSTPONED = N_("my memory is busy: I will save this as soon as I can")
CLEARED = N_("your memory was cleared meanwhile: this answer is not in it")


@dataclass(frozen=True, slots=True)
class Opened:
    """What an answer needs once it is its turn."""

    asked: Ask
    look: Look
    guild: GuildSettings | None
    persona: Persona | None
    source: AsyncGenerator[Piece, None]
    tokens_in: int
    pictures: int
    summary: bool


class Answer:
    """Made by ``Responder.answer``; see the top of the file for how it is used."""

    def __init__(self, responder: Responder, ask: Ask, place: Place) -> None:
        self._responder = responder
        self._place = place
        self._opened: Opened | None = None
        self._events: asyncio.Queue[str | ParleyError | BaseException | None] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self._written: list[str] = []
        self._handed: list[str] = []
        self._reported = (0, 0)
        self._saving: asyncio.Task[Saved] | None = None
        self.ask = ask
        self.finish: Finish | None = None
        """How it ended; ``None`` while it runs."""
        self.usage: Spent | None = None
        """After it was settled."""
        self.saved: Saved | None = None
        """After it was settled."""
        self.turn_id = 0
        """After it was settled: the number of the saved turn; 0 when none was."""

    @property
    def waiting(self) -> bool:
        """Whether an earlier message of this person is still being answered."""
        return self._place.waiting

    @property
    def persona(self) -> Persona | None:
        """Who is talking; known inside the block."""
        return self._opened.persona if self._opened else None

    # -- the block ---------------------------------------------------------------------------

    async def __aenter__(self) -> Answer:
        """Raises ``Blocked``, ``QuotaSpent``, ``ContentRefused``, ... and ``StorageError``."""
        await self._place.reach()
        try:
            self._still_wanted()
            opened = await self._responder.open(self.ask)
            self._still_wanted()  # a forget meanwhile: what was opened is a memory begun anew
            self._opened = opened
        except BaseException:
            self._place.leave()
            raise
        self._responder.running.add(self)
        self._pump = asyncio.create_task(self._run(self._opened))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            await self.settle("".join(self._handed), complete=self.finish is Finish.STOP)
        finally:
            self._responder.running.discard(self)
            self._place.leave()

    def _still_wanted(self) -> None:
        if self._place.void:
            raise AskedBeforeForget

    # -- the text ----------------------------------------------------------------------------

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> str:
        """The next text; all of it that has come. Raises ``ModelError`` and ``AnswerRefused``."""
        if self._opened is None:
            raise RuntimeError("an answer is read inside its `async with` block")
        if self.finish is not None and self._events.empty():
            raise StopAsyncIteration
        event = await self._events.get()
        while isinstance(event, str) and not self._events.empty():
            following = self._events.get_nowait()
            if not isinstance(following, str):
                self._events.put_nowait(following)  # the end: nothing comes after it
                break
            event += following
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, BaseException):
            raise event
        self._handed.append(event)
        return event

    def cancel(self) -> None:
        """Stop writing. The loop ends; what was shown stays, and is what is remembered."""
        if self.finish is None:
            self._end(Finish.CANCELLED, None, drop=True)
            if self._pump is not None:
                self._pump.cancel()

    async def _run(self, opened: Opened) -> None:
        settings = self._responder.model_settings
        loop = asyncio.get_running_loop()
        finish = ""
        try:
            async with asyncio.timeout(settings.first_s + settings.connect_s) as deadline:
                async with aclosing(opened.source) as pieces:
                    async for piece in pieces:
                        deadline.reschedule(loop.time() + settings.stall_s)
                        self._take(piece)
                        finish = piece.finish or finish
        except asyncio.CancelledError:
            self._end(Finish.CANCELLED, None)
            raise
        except FAILURES as error:
            self._end(Finish.FAILED, failure(error, begun=bool(self._written)))
        except ParleyError as error:
            self._end(Finish.FAILED, error)
        except Exception as error:  # a fault of ours: the reader of the loop has to hear of it
            self._end(Finish.FAILED, error)
        else:
            self._finished(finish)

    def _take(self, piece: Piece) -> None:
        sent, answered = self._reported
        self._reported = (sent + piece.tokens_in, answered + piece.tokens_out)
        if piece.text and self.finish is None:
            self._written.append(piece.text)
            self._events.put_nowait(piece.text)

    def _finished(self, finish: str) -> None:
        if not "".join(self._written).strip():
            self._end(Finish.FAILED, EmptyAnswer())
        elif finish == "length":
            self._end(Finish.LENGTH, None)
        elif not finish:
            # It closed in good order but never said that it was done.
            self._end(Finish.FAILED, failure(ConnectionError(), begun=True))
        else:
            self._end(Finish.STOP, None)

    def _end(self, finish: Finish, event: BaseException | None, *, drop: bool = False) -> None:
        if self.finish is not None:
            return
        self.finish = finish
        while drop and not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(event)

    # -- the turn ----------------------------------------------------------------------------

    async def settle(self, seen: str, complete: bool) -> Saved:
        """Save the turn, once, as what was ``seen``; further calls change nothing.

        Stops the answer if it still runs. Never raises for the store: see :class:`Saved`. A caller
        that is cancelled meanwhile leaves a saving that still completes.
        """
        if self._opened is None:
            return Saved.NOTHING
        if self._saving is None:
            self.cancel()
            self._saving = asyncio.create_task(self._save(self._opened, seen, complete))
        return await asyncio.shield(self._saving)

    async def _save(self, opened: Opened, seen: str, complete: bool) -> Saved:
        if self._pump is not None:
            with suppress(asyncio.CancelledError):
                await self._pump
        self.usage = self._spent(opened)
        self.saved, self.turn_id = await self._responder.keep(opened, seen, complete, self.usage)
        return self.saved

    def _spent(self, opened: Opened) -> Spent:
        sent, answered = self._reported
        text = "".join(self._written)
        # Usage comes last: an answer that did not end has none, or that of its first tool calls.
        ours = not sent or self.finish not in (Finish.STOP, Finish.LENGTH)
        if ours and (text or sent):
            sent = max(sent, opened.tokens_in)
            answered = max(answered, self._responder.count(text))
        return Spent(sent, answered, ours, self._responder.cost(sent, answered))

    @property
    def footer(self) -> str:
        """What a small line under the answer should say, in the person's language; may be empty.

        Complete once the answer has ended; what saving it brought is there after ``settle``.
        """
        opened = self._opened
        if opened is None:
            return ""
        words = Words.of(self.ask.locale)
        shown = self._responder.pictures(self.ask)
        parts = [words(DEMO, model=self._responder.demo)] if self._responder.demo else []
        if opened.look.left:
            parts.append(words.plural(LEFT_ONE, LEFT_MANY, len(opened.look.left)))
        for true, sentence in (
            (opened.look.window.message_cut, MESSAGE_CUT),
            (any(document.cut for document in self.ask.documents), FILE_CUT),
            (bool(self.ask.images) and not shown, PICTURES_DROPPED),
            (self.finish is Finish.LENGTH, ANSWER_CUT),
            (self.saved is Saved.POSTPONED, POSTPONED),
            (self.saved is Saved.FORGOTTEN, CLEARED),
        ):
            if true:
                parts.append(words(sentence))
        if 0 < len(shown) < len(self.ask.images):
            parts.append(words(PICTURES_CUT, n=len(shown)))
        return " · ".join(parts)

    def __repr__(self) -> str:
        return f"<Answer {self.finish or 'running'}>"
