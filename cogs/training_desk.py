"""Trainings of this process: where each is told of, what is said when it is over.

A training is noted in the store from its first message on, and goes on after a restart.
"""

from __future__ import annotations

import asyncio
import io
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import discord

from cogs.places import QUIET, UNDELIVERED
from cogs.replies import log_fault
from cogs.scene import Scene
from cogs.sound import SAMPLE
from cogs.training_button import cancel_button
from cogs.training_words import CANCELLED, FAILED, GONE, ended, failure, standing
from errors import BadInput, NotAllowed, Unavailable
from speech.base import Listener, VoiceChoice
from speech.files import collect
from speech.narrator import Manner
from speech.training import Recordings
from storage.errors import StorageError
from storage.records import TrainingNote
from vits.studio.orders import Order, Progress
from words import N_, Words

if TYPE_CHECKING:
    from cogs.house import House

log = logging.getLogger(__name__)

BEGUN = N_("The training has begun. I tell how far it is in this channel.")


class TrainingBusy(Unavailable):
    """One at a time."""

    sentence = N_("I am training the voice {voice} already. One at a time.")


class NoTraining(BadInput):
    """Nothing to cancel."""

    sentence = N_("No voice is being trained now.")


class MayNotWrite(NotAllowed):
    """Nowhere to tell of it."""

    sentence = N_("I may not write in this channel. Ask again where I may.")


@dataclass
class _Running:
    """The one training under way."""

    note: TrainingNote
    order: Order
    asker: discord.Interaction | None = None
    task: asyncio.Task[None] | None = None
    cancelled: bool = False
    over: bool = False
    """Its end is known: too late to cancel it."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = field(default_factory=lambda: Progress("data"))

    def note_progress(self, progress: Progress) -> None:
        """The latest wins."""
        self.progress = progress

    @property
    def words(self) -> Words:
        """In the language of whoever asked."""
        return Words.of(self.note.locale)


class TrainingDesk:
    """Begins, tells of, cancels and takes up again."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._running: _Running | None = None
        self._opening = asyncio.Lock()
        """Held while a folder may be there that no note tells of yet, or a note be taken up."""

    @property
    def standing(self) -> tuple[str, Progress] | None:
        """The voice being trained, and how far it is."""
        running = self._running
        return (running.order.voice, running.progress) if running else None

    def check_free(self) -> None:
        """Raises :class:`TrainingBusy`."""
        if self._running is not None:
            raise TrainingBusy(voice=self._running.order.voice)

    async def begin(
        self,
        scene: Scene,
        order: Order,
        recordings: Recordings,
        role_id: int | None = None,
    ) -> None:
        """Lay it out, say so in the channel, and start.

        Raises :class:`TrainingBusy`, :class:`MayNotWrite`, ``StorageError``, and what
        ``Workshop.open`` and ``recordings`` raise.
        """
        self.check_free()
        async with self._opening:
            self.check_free()
            await self._begin(scene, order, recordings, role_id)

    async def _begin(
        self, scene: Scene, order: Order, recordings: Recordings, role_id: int | None
    ) -> None:
        house, owner = self._house, self._house.settings.process
        note = TrainingNote(
            id=house.workshop.new_id(owner),
            person_id=scene.user.id,
            guild_id=scene.guild_id,
            channel_id=scene.channel_id,
            message_id=0,
            voice=order.voice,
            locale=scene.locale,
        )
        running = self._running = _Running(note, order, scene.interaction)
        try:
            if role_id is not None and await self._has_rule(order.voice, role_id):
                role_id = None  # not ours to take away again
            await house.workshop.open(note.id, order, recordings, role_id)
            sent = await self._announce(running)
            running.note = replace(note, message_id=sent.id)
            async with house.database.writing():
                await house.database.trainings.save(running.note)
                if role_id is not None:
                    # Before there is anything to hear: nobody hears it who shall not.
                    await house.database.voice_rules.add(0, order.voice, role_id)
        except BaseException:
            self._running = None
            running.begun.set()
            await self._close(running, None)
            raise
        self._start(running)

    async def resume(self) -> None:
        """Take up what a restart interrupted, and clear away what nobody knows of."""
        async with self._opening:  # it is asked for each time that Discord is back
            if self._running is None:
                await self._resume()

    async def _resume(self) -> None:
        house, owner = self._house, self._house.settings.process
        notes = [
            each
            for each in await house.database.trainings.list()
            if each.id.startswith(f"{owner}.")
        ]
        await house.workshop.sweep(owner, {each.id for each in notes})
        for note in notes:
            order = await house.workshop.read(note.id)
            if order is not None and house.workshop.settings.enabled and self._running is None:
                self._start(_Running(note, order))
            else:
                lost = _Running(note, Order(note.voice, "", ""))
                await self._close(lost, lost.words(GONE, voice=note.voice))

    async def cancel(self, training_id: str | None = None) -> str:
        """End it and keep nothing; the voice it was to be.

        Raises :class:`NoTraining`, also when it is finished and about to be told of.
        """
        running = self._running
        if running is None or training_id not in (None, running.note.id):
            raise NoTraining
        await running.begun.wait()  # its message may be there a moment before
        if running.task is None or running.over:
            raise NoTraining
        if not running.cancelled:  # a second press waits for what the first began
            running.cancelled = True
            running.task.cancel()
        await asyncio.wait([running.task])
        if running.over:  # in this very moment
            raise NoTraining
        return running.order.voice

    async def close(self) -> None:
        """Parley is switched off: the work saves its state, and goes on next time."""
        running = self._running
        if running and running.task:
            if not running.cancelled:
                running.task.cancel()
            await asyncio.wait([running.task])

    # --- inside

    def _start(self, running: _Running) -> None:
        self._running = running
        running.task = asyncio.create_task(self._see_through(running), name="training")
        running.begun.set()

    async def _see_through(self, running: _Running) -> None:
        telling = asyncio.create_task(self._keep_telling(running), name="training news")
        try:
            end = await self._worked(running)
            telling.cancel()
            await asyncio.wait([telling])
            if end is None:
                await self._forget(running)
                await self._close(running, running.words(CANCELLED, voice=running.order.voice))
            elif end.failure:
                await self._failed(running, end)
            else:
                await self._finished(running, end)
        except Exception as error:  # whatever it was: a training that is over leaves nothing
            log.warning("training %s ended with fault %s", running.note.id, log_fault(error))
            await self._close(running, None)
        finally:
            telling.cancel()
            if self._running is running:
                self._running = None

    async def _worked(self, running: _Running) -> Progress | None:
        """How it ended; None: it was cancelled before there was a voice."""
        workshop, training_id = self._house.workshop, running.note.id
        end: Progress | None
        try:
            end = await workshop.run(training_id, running.note_progress)
        except asyncio.CancelledError:
            if not running.cancelled:
                raise  # it goes on next time
            end = await workshop.finished(training_id)
        except Exception as error:
            log.warning("training %s cannot work: %s", training_id, log_fault(error))
            end = Progress("failed", failure="fault")
        running.over = end is not None
        return end

    async def _keep_telling(self, running: _Running) -> None:
        """Edit the message when there is news, and not too often; the latest wins."""
        told = ""
        while True:
            text = standing(running.words, running.order.voice, running.progress)
            if text != told:
                with suppress(*UNDELIVERED):
                    view = cancel_button(running.words, running.note.id)
                    await self._message(running).edit(
                        content=text, view=view, allowed_mentions=QUIET
                    )
                told = text
            await asyncio.sleep(self._house.workshop.settings.edit_gap_s)

    async def _announce(self, running: _Running) -> discord.Message:
        channel = self._channel(running.note)
        try:
            return await channel.send(
                standing(running.words, running.order.voice, running.progress),
                view=cancel_button(running.words, running.note.id),
                allowed_mentions=QUIET,
            )
        except UNDELIVERED as error:
            raise MayNotWrite from error

    async def _finished(self, running: _Running, end: Progress) -> None:
        """The voice is on the shelf: say how good it is, and let it speak."""
        words, voice = running.words, running.order.voice
        if end.why:
            log.warning("training %s was not judged: %s", running.note.id, ", ".join(end.why))
        try:
            file = await self._sample(running)
        except Exception as error:  # the voice is made: that is told also where it cannot speak
            log.warning("training %s has no sample: %s", running.note.id, log_fault(error))
            file = None
        await self._close(running, None)
        text, files = ended(words, voice, end), [file] if file else []
        try:
            await self._channel(running.note).send(text, files=files, allowed_mentions=QUIET)
        except UNDELIVERED as error:
            log.info("training %s: its end could not be told: %s", running.note.id, error)

    async def _sample(self, running: _Running) -> discord.File | None:
        house = self._house
        offered = {each.name: each for each in await house.voices.installed()}
        found = offered.get(running.order.voice)
        if found is None or not found.languages:
            return None
        language = found.languages[0]
        manner = Manner(VoiceChoice(found.name, language=language), Listener(language=language))
        spoken = house.narrator.say(Words.of(language)(SAMPLE), manner)
        audio = await collect(spoken)
        return discord.File(io.BytesIO(audio.data), "sample.ogg") if audio else None

    async def _failed(self, running: _Running, end: Progress) -> None:
        """Tell it privately; the message in the channel goes if that arrived."""
        words = running.words
        why = failure(words, end, running.order.least_s)
        where = ", ".join(end.why) if end.failure == "fault" else ""
        log.warning("training %s failed: %s %s", running.note.id, end.failure, where)
        sentence = words(FAILED, voice=running.order.voice, why=why)
        await self._forget(running)
        told = await self._tell(running, sentence)
        await self._close(running, None if told else sentence)

    async def _tell(self, running: _Running, sentence: str) -> bool:
        asker = running.asker
        try:
            if asker is not None and not asker.is_expired():
                await asker.followup.send(sentence, ephemeral=True, allowed_mentions=QUIET)
            else:
                person = await self._house.client.fetch_user(running.note.person_id)
                await person.send(sentence, allowed_mentions=QUIET)
        except UNDELIVERED as error:
            log.info("training %s: %s", running.note.id, type(error).__name__)
            return False
        return True

    async def _has_rule(self, voice: str, role_id: int) -> bool:
        rules = await self._house.database.voice_rules.list(0)
        return any(rule.voice == voice and role_id in rule.role_ids for rule in rules)

    async def _forget(self, running: _Running) -> None:
        """No voice came of it: the rule that was made with it goes, unless it is another's now."""
        workshop, voice = self._house.workshop, running.order.voice
        role_id = await workshop.role(running.note.id)
        if role_id is not None and not await workshop.has(voice):
            with suppress(StorageError):
                await self._house.database.voice_rules.remove(0, voice, role_id)

    async def _close(self, running: _Running, text: str | None) -> None:
        """Nothing of it stays but what ``text`` says in its message; without one, not even that."""
        await self._house.workshop.close(running.note.id)
        with suppress(StorageError):
            await self._house.database.trainings.remove(running.note.id)
        message = self._message(running)
        try:
            if not message.id:
                return  # it never had one
            if text is None:
                await message.delete()
            else:
                await message.edit(content=text, view=None, allowed_mentions=QUIET)
        except UNDELIVERED as error:
            log.info("training %s: %s", running.note.id, type(error).__name__)

    def _channel(self, note: TrainingNote) -> discord.PartialMessageable:
        return self._house.client.get_partial_messageable(
            note.channel_id, guild_id=note.guild_id or None
        )

    def _message(self, running: _Running) -> discord.PartialMessage:
        return self._channel(running.note).get_partial_message(running.note.message_id)
