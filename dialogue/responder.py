"""The responder: a message in, a stream of text out, and the turn remembered.

It knows the order of things and nothing else: whose turn it is, whether this person may, which
persona talks, what of the memory fits, what the model says, what was seen of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from dialogue.answer import Answer, Opened
from dialogue.ask import Ask, Image, Spent
from dialogue.content import ContentChecks
from dialogue.errors import Blocked, NoSight, NothingAsked, TurnGone
from dialogue.lines import Lines, Place
from dialogue.memory import Look, Memory, MemoryView, Saved
from dialogue.model import Model, Piece
from dialogue.personas import PersonaService
from dialogue.plain import plain, plain_name
from dialogue.prompt import messages, question
from dialogue.quotas import Quotas, spent_error
from dialogue.settings import DEMO_PROMPT, SYSTEM_PROMPT, DialogueSettings, ModelSettings
from dialogue.summary import Summarizer
from dialogue.tokens import IMAGE_TOKENS, TokenCounter
from dialogue.tools import CALLS_MOST, TOOLS
from storage.database import Database
from storage.errors import StorageError
from storage.records import GuildSettings, NewTurn, Persona

log = logging.getLogger(__name__)

SHORTEST_ANSWER = 16
"""Tokens that must be left of a quota for an answer to be worth beginning."""


class Responder:
    """Answers people; see ``dialogue.answer`` for how an answer is used."""

    def __init__(
        self,
        *,
        database: Database,
        model: Model,
        memory: Memory,
        personas: PersonaService,
        quotas: Quotas,
        content: ContentChecks,
        summarizer: Summarizer,
        counter: TokenCounter,
        settings: DialogueSettings,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._model = model
        self._memory = memory
        self._personas = personas
        self._quotas = quotas
        self._content = content
        self._summarizer = summarizer
        self._counter = counter
        self._settings = settings
        self._clock = clock
        self._lines = Lines(settings.memory.waiting)
        self.running: set[Answer] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- for the surface ---------------------------------------------------------------------

    def answer(self, ask: Ask, place: Place | None = None) -> Answer:
        """An answer to be entered with ``async with``. Takes a place in the line now.

        Raises ``LineFull``; give a ``place`` taken earlier where order must hold across a wait.
        """
        return Answer(self, ask, place or self.line_up(ask.person_id))

    def line_up(self, person_id: int) -> Place:
        """Take a place before the message is complete (attachments). Raises ``LineFull``."""
        return self._lines.take(person_id)

    def cancel_person(self, person_id: int, guild_id: int | None = None) -> int:
        """Stop what is being written for somebody, here or everywhere. How many answers."""
        mine = [
            answer
            for answer in self.running
            if answer.ask.person_id == person_id and guild_id in (None, answer.ask.guild_id)
        ]
        for answer in mine:
            answer.cancel()
        return len(mine)

    def let_go(self, person_id: int) -> None:
        """Before somebody is forgotten: nothing of what they asked until now leaves their name."""
        self._lines.void(person_id)
        self.cancel_person(person_id)
        self._quotas.forget(person_id)

    @property
    def demo(self) -> str:
        """Name of the demo model where that answers; empty otherwise."""
        return self._model.name if self._model.demo else ""

    @property
    def busy(self) -> frozenset[asyncio.Task[None]]:
        """What runs in the background: summaries."""
        return frozenset(self._tasks)

    async def close(self) -> None:
        """End what runs in the background, and save what could not be saved before."""
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        left = await self._memory.save_all_postponed()
        if left:
            log.error("%d turns could not be saved", left)

    # -- for the answer ----------------------------------------------------------------------

    @property
    def model_settings(self) -> ModelSettings:
        return self._settings.model

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        return self._quotas.cost(tokens_in, tokens_out)

    def pictures(self, ask: Ask) -> tuple[Image, ...]:
        """Those that are sent."""
        if not self._settings.model.images or self._model.demo:
            return ()
        return ask.images[: self._settings.input.images]

    async def open(self, ask: Ask) -> Opened:
        """Everything between a person's turn and the first word."""
        await self._memory.catch_up(ask.person_id, ask.guild_id)
        async with self._database.reading():
            guild, limited = None, False
            if ask.guild_id:
                standing = await self._database.guilds.standing(ask.guild_id, ask.person_id)
                if standing.blocked:
                    raise Blocked
                guild, limited = standing.settings, standing.limited
            allowance = await self._quotas.allowance(
                ask.person_id, ask.guild_id, ask.role_ids, limited=limited
            )
            persona = await self._personas.active(
                ask.person_id, ask.guild_id, ask.channel_id, ask.role_ids, guild
            )
            text = await self._question(ask)
            summary = self._summary_wanted(guild)
            look = await self._memory.look(
                ask.person_id,
                ask.guild_id,
                system=self._system(persona),
                message=text,
                name=plain_name(ask.name) if self._model.takes_names else "",
                before_id=ask.replaces,
                summary=summary,
            )
        pictures = self.pictures(ask)
        tokens_in = look.window.tokens + IMAGE_TOKENS * len(pictures)
        answer_tokens = self._settings.model.answer_tokens
        if allowance.tokens_left is not None:
            answer_tokens = min(answer_tokens, allowance.tokens_left - tokens_in)
            if answer_tokens < SHORTEST_ANSWER:
                raise spent_error(allowance)
        await self._content.asked(text, guild)
        return Opened(
            asked=ask,
            look=look,
            guild=guild,
            persona=persona,
            source=self._stream(look, pictures, answer_tokens, guild),
            tokens_in=tokens_in,
            pictures=len(pictures),
            summary=summary,
        )

    async def keep(
        self, opened: Opened, seen: str, complete: bool, spent: Spent
    ) -> tuple[Saved, int]:
        """Save a turn and count what it used; the number of the turn, or 0."""
        ask, window = opened.asked, opened.look.window
        answered = plain(seen).strip()
        turn = NewTurn(
            person_id=ask.person_id,
            guild_id=ask.guild_id,
            channel_id=ask.channel_id,
            asked=window.message,
            answered=answered,
            asked_tokens=self._counter.count(window.message),
            answered_tokens=self._counter.count(answered),
            encoding=self._counter.name,
            complete=complete,
            at_s=self._clock(),
            since_id=window.since_id,
        )
        try:
            async with self._database.writing():
                saved, turn_id = await self._memory.save(
                    turn, epoch=opened.look.epoch, replaces=ask.replaces, look=opened.look
                )
                if spent.tokens_in:
                    await self._quotas.answered(ask.person_id, ask.guild_id, spent)
        except StorageError as error:
            log.warning("a turn could not be saved yet: %s", type(error).__name__)
            turn_id, saved = 0, self._memory.postpone(turn, opened.look.epoch, ask.replaces)
            if spent.tokens_in:
                self._quotas.answered_later(ask.person_id, ask.guild_id, spent)
        if opened.summary and opened.look.left and saved is Saved.SAVED:
            self._start(self._summarizer.summarize(ask.person_id, ask.guild_id, opened.look))
        return saved, turn_id

    async def memory_view(
        self, person_id: int, guild_id: int, channel_id: int, role_ids: tuple[int, ...] = ()
    ) -> MemoryView:
        """A person's memory here as they may see it: the gauge, what is kept, what was trimmed."""
        guild = await self._database.guilds.settings(guild_id) if guild_id else None
        persona = await self._personas.active(person_id, guild_id, channel_id, role_ids, guild)
        return await self._memory.show(
            person_id,
            guild_id,
            system=self._system(persona),
            summary=self._summary_wanted(guild),
        )

    # -- inside ------------------------------------------------------------------------------

    def _system(self, persona: Persona | None) -> str:
        if persona is not None:
            return plain(persona.prompt)
        prompt = self._settings.memory.system_prompt
        return DEMO_PROMPT if self._model.demo and prompt == SYSTEM_PROMPT else prompt

    async def _question(self, ask: Ask) -> str:
        text = question(ask.text, ask.documents)
        if ask.replaces is not None:
            turn = await self._database.turns.get(ask.person_id, ask.guild_id, ask.replaces)
            if turn is None:
                raise TurnGone
            text = text or turn.asked
        if not text and not ask.images:
            raise NothingAsked
        if not text and not self.pictures(ask):
            raise NoSight
        return text

    async def _stream(
        self,
        look: Look,
        pictures: tuple[Image, ...],
        answer_tokens: int,
        guild: GuildSettings | None,
    ) -> AsyncGenerator[Piece, None]:
        with_tools = guild is not None and guild.tools
        pieces = self._model.stream(
            messages(look.window, pictures),
            answer_tokens=answer_tokens,
            tools=TOOLS if with_tools else (),
            tool_calls=CALLS_MOST,
        )
        async with aclosing(self._content.answered(pieces, guild)) as checked:
            async for piece in checked:
                yield piece

    def _summary_wanted(self, guild: GuildSettings | None) -> bool:
        if guild is not None and guild.summary is not None:
            return guild.summary
        return self._settings.memory.summary

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
