"""One message and its answer: shown while it is written, heard, remembered.

The order is what makes promises hold. A place in the asker's line is taken before anything is
awaited, so their messages are answered in order. The turn is saved before the last edit lands, so
what looks finished is remembered. Sound comes last and cannot take the text with it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cogs.buttons import answer_buttons, stop_button
from cogs.house import House
from cogs.live_reply import Ending, LiveReply, Throttle
from cogs.pages import paginate
from cogs.places import UNDELIVERED, Place
from cogs.replies import sentence_for
from cogs.scene import Scene
from cogs.sounding import Silent, Sounding, begin_sound
from dialogue.answer import Answer
from dialogue.ask import Ask, Finish
from dialogue.errors import AnswerRefused
from dialogue.lines import Place as PlaceInLine
from errors import Unavailable
from words import N_

log = logging.getLogger(__name__)

STOPPED = N_("Stopped.")
HEARD = N_("I heard:")
SOUND_LATE = N_("My voice is still on its way; it follows.")

CLOSING_S = 5.0


class GoingAway(Unavailable):
    """Parley is being switched off; the message was not answered."""

    sentence = N_("I am being restarted. Please ask me again in a minute.")


@dataclass
class Running:
    """An answer that is being given."""

    asker_id: int
    answer: Answer
    sounding: Sounding

    def stop(self) -> None:
        """Stop writing and speaking; what was shown is kept."""
        self.answer.cancel()
        self.sounding.cancel()


class Conversation:
    """Gives answers; knows which are being given."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._running: dict[str, Running] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._writing: set[asyncio.Task[object]] = set()
        self._closing = False

    def running(self, key: str) -> Running | None:
        """The answer that a Stop button belongs to, while it is being given."""
        return self._running.get(key)

    async def close(self) -> None:
        """Stop every answer; what was shown of them is saved before this returns.

        Whoever still waits in line is told, and sound that is not complete is left.
        """
        self._closing = True
        for running in self._running.values():
            running.stop()
        for task in self._tasks - self._writing:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)

    async def give(self, ask: Ask, scene: Scene, place: Place, line: PlaceInLine) -> None:
        """Answer ``ask`` in ``place`` when its turn has come.

        ``line`` is the asker's place in line, taken when the message arrived; it is left here.
        Raises what went wrong before the first word; what goes wrong later is said in the answer.
        """
        answer = self._house.dialogue.responder.answer(ask, line)
        with _member(self._tasks):
            try:
                async with answer:
                    live, ending, sounding = await self._answered(answer, scene, place)
            except asyncio.CancelledError:
                if not self._closing:
                    raise
                raise GoingAway from None
            with suppress(asyncio.CancelledError):
                await self._sound(live, ending, scene, place, sounding)

    async def _answered(
        self, answer: Answer, scene: Scene, place: Place
    ) -> tuple[LiveReply, Ending, Sounding]:
        await self._house.director.touch(answer.ask.person_id, answer.ask.guild_id)
        await _show_heard(answer.ask, scene, place)
        sounding = await begin_sound(self._house, scene)
        running = Running(answer.ask.person_id, answer, sounding)
        with _member(self._writing), self._run(running) as key:
            return await self._write(key, running, scene, place)

    async def _write(
        self, key: str, running: Running, scene: Scene, place: Place
    ) -> tuple[LiveReply, Ending, Sounding]:
        settings, answer, sounding = self._house.settings, running.answer, running.sounding
        live = LiveReply(
            place,
            Throttle(settings.edit_gap_s, settings.edit_least),
            view=stop_button(scene, key),
            on_gone=running.stop,
        )
        problem: Exception | None = None
        try:
            async for piece in answer:
                live.feed(piece)
                sounding.feed(piece)
        except AnswerRefused as error:
            sounding.cancel()
            live.take_back()
            problem = error
        except Exception as error:  # what was said is kept, whatever went wrong after it
            problem = error
        except asyncio.CancelledError:
            await live.abandon()
            raise
        if answer.finish is Finish.CANCELLED:
            sounding.cancel()  # by whomever it was stopped: what was silenced is not sent either
        else:
            sounding.end()
        if problem is not None and not live.text and not live.messages:
            await live.abandon()
            raise problem
        await answer.settle(live.text, complete=answer.finish is Finish.STOP)
        ending = Ending(_notes(answer, scene, problem), answer_buttons(scene, answer.turn_id))
        await live.finish(ending)
        return live, ending, sounding

    async def _sound(
        self, live: LiveReply, ending: Ending, scene: Scene, place: Place, sounding: Sounding
    ) -> None:
        """Deliver the sound; say so when it is late, and what went wrong."""
        if isinstance(sounding, Silent) and not sounding.note:
            return
        late = asyncio.create_task(sounding.late())
        finish = asyncio.create_task(
            sounding.finish(place, live.messages[-1] if live.messages else None)
        )
        try:
            said_late = await late and not finish.done()
            if said_late:
                await live.amend(ending.noting(scene.words(SOUND_LATE)))
            note = await finish
            if note or said_late:
                await live.amend(ending.noting(note))
        except Exception as error:  # the text is complete: sound must not spoil it
            await live.amend(ending.noting(sentence_for(error, scene.words)))
        finally:
            for task in (late, finish):
                task.cancel()

    @contextmanager
    def _run(self, running: Running) -> Iterator[str]:
        key = secrets.token_hex(6)
        self._running[key] = running
        try:
            yield key
        except BaseException:
            running.sounding.cancel()
            raise
        finally:
            del self._running[key]


@contextmanager
def _member(tasks: set[asyncio.Task[object]]) -> Iterator[None]:
    """This task is one of ``tasks`` inside the block."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an answer is given by a task")
    tasks.add(task)
    try:
        yield
    finally:
        tasks.discard(task)


async def _show_heard(ask: Ask, scene: Scene, place: Place) -> None:
    """What was understood of recordings, before the answer: its owner sees what is answered.

    It was let through by then: what may not be sent here is not posted as a transcript either.
    """
    heard = "\n\n".join(document.text for document in ask.documents if document.heard)
    if not heard:
        return
    pages = paginate(f"{scene.words(HEARD)}\n>>> {heard}")
    # An app with few messages keeps them for the answer.
    for page in pages if place.room is None else pages[:1]:
        try:
            await place.send(page.render())
        except UNDELIVERED as error:
            log.warning("a transcript was not shown: %s", type(error).__name__)
            return


def _notes(answer: Answer, scene: Scene, problem: Exception | None) -> tuple[str, ...]:
    """What is said under an answer, each a small line."""
    notes = []
    if answer.finish is Finish.CANCELLED:
        notes.append(scene.words(STOPPED))
    if problem is not None:
        notes.append(sentence_for(problem, scene.words))
    if answer.footer:
        notes.append(answer.footer)
    return tuple(notes)
