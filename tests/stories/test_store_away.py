"""While the database is locked by another process, or its file cannot grow: nothing is lost.

Every command has its row for that in ``tests/stories/every_command.py``.
"""

from __future__ import annotations

import pytest

from sandbox.actor import Actor
from storage import database as database_module
from storage.records import Scope
from tests.stories.community import YES, full, house_of, locked, made, private, told
from tests.stories.every_command import BUSY, FULL
from tests.stories.town import Town


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits five seconds for a lock in a test."""
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)


async def prepared(town: Town) -> None:
    """Something of everything that commands could spoil."""
    for answer in ("one", "two"):
        await town.chat(town.amy, f"turn {answer}")
    await made(town, town.amy, "Pirate", "Say arr.")
    await told(town, town.amy, "persona set", name="Pirate")
    await made(town, town.owner, "Guide", "Guide them.", level="server")
    house = house_of(town)
    await house.dialogue.preferences.set_speed(town.amy.id, 1.2)
    await house.dialogue.dictionaries.add(Scope.PERSON, town.amy.id, "nginx", "engine ex")


async def seen(town: Town) -> list[str]:
    """What people see of what is stored."""
    amy, owner = town.amy, town.owner
    commands: list[tuple[Actor, str]] = [
        (amy, "memory show"),
        (amy, "persona show"),
        (amy, "persona list"),
        (amy, "dict list"),
        (owner, "mod log"),
        (owner, "mod blocks"),
        (owner, "mod quota"),
        (owner, "mod limits"),
    ]
    return [await told(town, who, path) for who, path in commands]


async def test_a_confirmation_can_be_pressed_again_once_the_lock_is_gone(town: Town) -> None:
    await town.chat(town.amy, "Hello.")
    question = await private(town, await town.amy.command("memory clear"))
    with locked(town):
        assert await town.told(await town.amy.click(question, YES)) == BUSY
    await town.amy.click(question, YES)
    await town.until(lambda: "Forgotten: 1 turn." in question.content)


async def test_full_what_needs_room_says_so_and_loses_nothing(town: Town) -> None:
    await prepared(town)
    before = await seen(town)
    big = "care " * 300
    with full(town):
        said = [await made(town, town.amy, f"Nurse {n}", big) for n in range(9)]
        assert FULL in said
        assert all(text == FULL for text in said[said.index(FULL) :])
        kept = said.index(FULL)
        for n in range(kept):
            await told(town, town.amy, "persona delete", name=f"Nurse {n}")
    assert await seen(town) == before
