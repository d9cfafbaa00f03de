"""A conversation to tell stories with: scripted endpoint, real store, all of dialogue, a set clock.

async with open_scene(tmp_path) as scene:
    scene.endpoint.say("Hello, Anna.")
    heard = await scene.say("Hi")
    assert heard.text == "Hello, Anna."
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dialogue.answer import Answer
from dialogue.ask import Ask
from dialogue.service import Dialogue, open_dialogue
from dialogue.settings import DialogueSettings, ModelSettings
from errors import ParleyError
from storage.database import Database, open_database
from tests.support.endpoint import Endpoint, open_endpoint

ANNA, BEN, EVE = 1001, 1002, 1003
CLUB, HALL = 2001, 2002
ROOM, ATTIC = 3001, 3002
NOON_S = 1_795_348_800.0  # 2026-11-22 12:00 UTC
KEY = "sk-never-to-be-seen"


@dataclass
class Clock:
    now_s: float = NOON_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Heard:
    """What somebody got for a message."""

    text: str
    error: ParleyError | None
    answer: Answer
    footer: str


@dataclass
class Scene:
    endpoint: Endpoint
    database: Database
    dialogue: Dialogue
    clock: Clock = field(default_factory=Clock)

    def ask(self, text: str, person: int = ANNA, guild: int = CLUB, **given: Any) -> Ask:
        ask = Ask(person_id=person, guild_id=guild, channel_id=ROOM, name="Anna", text=text)
        return replace(ask, **given)

    async def say(self, text: str, person: int = ANNA, guild: int = CLUB, **given: Any) -> Heard:
        """Ask, read to the end, and settle as what was read; errors of the loop are part of it."""
        return await self.hear(
            self.dialogue.responder.answer(self.ask(text, person, guild, **given))
        )

    async def hear(self, answer: Answer) -> Heard:
        seen, error = "", None
        async with answer:
            try:
                async for piece in answer:
                    seen += piece
            except ParleyError as raised:
                error = raised
            await answer.settle(seen, complete=error is None)
        return Heard(seen, error, answer, answer.footer)

    async def history(self, person: int = ANNA, guild: int = CLUB) -> list[tuple[str, str]]:
        recent = await self.database.turns.recent(person, guild, budget_tokens=10**6)
        return [(turn.asked, turn.answered) for turn in recent.turns]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Messages of the last chat request."""
        return self.endpoint.chats[-1].messages


SETTINGS = DialogueSettings(model=ModelSettings(retries=0))


@asynccontextmanager
async def open_scene(
    folder: Path, settings: DialogueSettings = SETTINGS, *, url: str = ""
) -> AsyncIterator[Scene]:
    """``settings.model`` gets the endpoint's address and a key, and short time-outs."""
    clock = Clock()
    async with (
        open_endpoint() as endpoint,
        open_database(url or f"sqlite:///{folder / 'parley.db'}") as database,
    ):
        model = replace(
            settings.model,
            base_url=settings.model.base_url or endpoint.base_url,
            api_key=SecretStr(KEY),
        )
        async with open_dialogue(
            replace(settings, model=model), database, cache=folder / "cache", clock=clock
        ) as dialogue:
            yield Scene(endpoint, database, dialogue, clock)
