"""Everything of this room, opened in order and closed again: what ``bot.py`` hands to the cogs."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dialogue.attachments import Attachments
from dialogue.content import ContentChecks
from dialogue.dictionaries import Dictionaries
from dialogue.hearing import Hearing
from dialogue.memory import Memory
from dialogue.model import Model
from dialogue.model_server import ModelServer, open_model_server
from dialogue.moderators import Moderators
from dialogue.personas import PersonaService
from dialogue.preferences import PreferenceService
from dialogue.privacy import PrivacyService
from dialogue.quotas import Quotas
from dialogue.responder import Responder
from dialogue.settings import DialogueSettings
from dialogue.summary import Summarizer
from dialogue.tokens import open_counter
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

RETAIN_EVERY_S = 3600.0

_TRACING = (
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING_V2",
    "LANGCHAIN_TRACING",
)
_TALKATIVE = ("openai", "httpx2", "httpcore2", "langchain", "langchain_openai", "langgraph")


@dataclass(frozen=True)
class Dialogue:
    """The services of this room."""

    responder: Responder
    memory: Memory
    personas: PersonaService
    preferences: PreferenceService
    dictionaries: Dictionaries
    quotas: Quotas
    moderators: Moderators
    privacy: PrivacyService
    content: ContentChecks
    attachments: Attachments
    hearing: Hearing
    model: Model
    server: ModelServer | None
    """The demo model, where that answers."""


@asynccontextmanager
async def open_dialogue(
    settings: DialogueSettings,
    database: Database,
    *,
    cache: Path,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Dialogue]:
    """Open the model, and the demo model's server if that is the one; close both at the end.

    ``cache`` is a folder of ours for vocabulary files. ``clock`` gives seconds since the epoch.
    Raises ``ModelUnreachable`` when the demo model is wanted and cannot be served.
    """
    for name in _TRACING:
        # With these set LangChain sends every conversation to a third party, whoever set them.
        os.environ.pop(name, None)
    for name in _TALKATIVE:
        # At DEBUG these write whole requests: what people wrote.
        logging.getLogger(name).setLevel(logging.WARNING)
    async with AsyncExitStack() as stack:
        server = None
        if settings.model.demo:
            server = await stack.enter_async_context(
                open_model_server(threads=settings.model.threads)
            )
        model = Model(settings.model, server)
        stack.push_async_callback(model.close)
        counter = await asyncio.to_thread(open_counter, model.name, cache)
        memory = Memory(database, settings.memory, counter, clock)
        quotas = Quotas(database, settings.quota, settings.model, clock)
        hearing = Hearing(settings.input)
        content = ContentChecks(settings.content, model)
        personas = PersonaService(database, counter, settings.memory.budget_tokens)
        responder = Responder(
            database=database,
            model=model,
            memory=memory,
            personas=personas,
            quotas=quotas,
            content=content,
            summarizer=Summarizer(database, model, quotas, counter, settings.memory.summary_tokens),
            counter=counter,
            settings=settings,
            clock=clock,
        )
        stack.push_async_callback(responder.close)
        privacy = PrivacyService(database, memory, settings.memory, clock, responder.let_go)
        for work in (_retain(privacy), privacy.wipe()):
            stack.push_async_callback(_ended, asyncio.create_task(work))
        yield Dialogue(
            responder=responder,
            memory=memory,
            personas=personas,
            preferences=PreferenceService(database),
            dictionaries=Dictionaries(database),
            quotas=quotas,
            moderators=Moderators(database, memory, clock),
            privacy=privacy,
            content=content,
            attachments=Attachments(settings.input, hearing),
            hearing=hearing,
            model=model,
            server=server,
        )


async def _retain(privacy: PrivacyService) -> None:
    while True:
        try:
            gone = await privacy.retain()
            if gone:
                log.info("%d rows were older than the settings keep them", gone)
        except StorageError as error:
            log.warning("old rows could not be removed: %s", type(error).__name__)
        await asyncio.sleep(RETAIN_EVERY_S)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
