"""What stories about the community's commands share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from cogs.house import House
from sandbox.actor import Actor
from sandbox.records import Interaction, Message
from speech.base import Line
from speech.studio import Studio
from tests.stories.town import Town

YES, NO = "Yes, do it", "No"


def house_of(town: Town) -> House:
    """What the running bot is made of, for looking into its store."""
    assert town.bot is not None
    house = town.bot.get_cog("Voice")._house  # type: ignore[union-attr]
    assert isinstance(house, House)
    return house


async def told(town: Town, who: Actor, path: str, /, **options: Any) -> str:
    """Use a command; the private sentence that answers it."""
    return await town.told(await who.command(path, **options))


async def private(town: Town, asked: Interaction) -> Message:
    """The private message that answers."""
    return await town.until(
        lambda: next((m for m in asked.messages if m.ephemeral and not m.loading), None)  # type: ignore[arg-type, return-value]
    )


async def confirmed(town: Town, who: Actor, path: str, /, label: str = YES, **options: Any) -> str:
    """Use a command that asks first, and press a button; what it says then."""
    question = await private(town, await who.command(path, **options))
    asked = question.content
    await who.click(question, label)
    await town.until(lambda: question.content != asked)
    assert not question.components
    return question.content


async def files_of(town: Town, asked: Interaction) -> dict[str, bytes]:
    """The files of the answer, by name."""
    message = await town.until(lambda: next((m for m in asked.messages if m.attachments), None))
    assert message is not None
    assert message.ephemeral
    return {each.filename: each.data for each in message.attachments}


@contextmanager
def locked(town: Town) -> Iterator[None]:
    """Another process writes into the database and does not come to an end."""
    file = town.settings.storage.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def full(town: Town) -> Iterator[None]:
    """The disk under the database has no page left.

    SQLite keeps that limit for each connection, and the pool opens more of them when it needs to:
    every one is told whenever it is taken.
    """
    pages = 1  # SQLite never goes below what there is

    def limit(connection: Any, *rest: object) -> None:
        del rest
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()

    event.listen(house_of(town).database._engine.sync_engine, "checkout", limit)
    yield
    pages = 1_000_000


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """Every line that is sent to be spoken, as it is sent."""
    seen: list[Line] = []
    speak = Studio.speak

    def noting(self: Studio, given: Any) -> Any:
        seen.extend(given)
        return speak(self, given)

    monkeypatch.setattr(Studio, "speak", noting)
    return seen


def body(data: bytes) -> Any:
    """An exported file, read."""
    return json.loads(data)


async def made(town: Town, who: Actor, name: str, prompt: str, /, **values: str) -> str:
    """Make a persona with the form of ``/persona make``; what the bot says."""
    level = values.pop("level", None)
    form = await who.command("persona make", **({"level": level} if level else {}))
    filled = {"Name": name, "Prompt: who I am and how I talk": prompt}
    labels = {"voice": "Voice (empty: as usual)", "speed": "Speed, 0.5 to 2 (empty: as usual)"}
    filled |= {labels[key]: value for key, value in values.items()}
    return await town.told(await who.submit(form, filled))


async def system_prompt(town: Town, who: Actor, **options: Any) -> str:
    """What the model is told to be when ``who`` asks something."""
    await town.chat(who, "Hello.", **options)
    return str(town.endpoint.chats[-1].messages[0]["content"])
