"""Every command while the database is locked by another process, or its disk is full.

Each says one clear sentence, privately; afterwards everything is as it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.actor import Actor
from storage import database as database_module
from storage.records import Scope
from tests.stories.community import YES, full, house_of, locked, made, private, told
from tests.stories.town import Town

BUSY = "My memory is busy right now. Please try again in a moment."
FULL = "My memory is full; whoever runs me has been told. Nothing was saved."

Attempt = Callable[[], Awaitable[str]]


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


async def yes(town: Town, who: Actor, path: str, **options: Any) -> str:
    """Confirm; the private sentence that the press is answered with."""
    question = await private(town, await who.command(path, **options))
    return await town.told(await who.click(question, YES))


async def turn_id(town: Town) -> str:
    (newest, *_) = await town.amy.autocomplete("memory pin", "turn", "")
    return str(newest["value"])


async def attempts(town: Town) -> dict[str, Attempt]:
    """Everything that writes."""
    amy, owner, ben = town.amy, town.owner, town.ben.user
    pinned = await turn_id(town)
    everyone = town.guild.roles[town.guild.id]
    return {
        "memory undo": lambda: told(town, amy, "memory undo"),
        "memory pin": lambda: told(town, amy, "memory pin", turn=pinned),
        "memory clear": lambda: yes(town, amy, "memory clear"),
        "persona set": lambda: told(town, amy, "persona set", name="Guide"),
        "persona clear": lambda: told(town, amy, "persona clear"),
        "persona make": lambda: made(town, amy, "Nurse", "Care."),
        "persona delete": lambda: told(town, amy, "persona delete", name="Pirate"),
        "voice set": lambda: told(town, amy, "voice set"),
        "voice speed": lambda: told(town, amy, "voice speed", factor=2.0),
        "voice replies": lambda: told(town, amy, "voice replies", kind="file"),
        "dict add": lambda: told(town, amy, "dict add", word="a", spoken="b" * 90),
        "dict remove": lambda: told(town, amy, "dict remove", word="nginx"),
        "privacy forget": lambda: yes(town, amy, "privacy forget"),
        "mod clear-memory": lambda: yes(town, owner, "mod clear-memory", member=amy.user),
        "mod clear-channel": lambda: yes(town, owner, "mod clear-channel", channel=town.general),
        "mod clear-server": lambda: yes(town, owner, "mod clear-server"),
        "mod block": lambda: told(town, owner, "mod block", member=ben),
        "mod unblock": lambda: told(town, owner, "mod unblock", member=ben),
        "mod quota": lambda: told(town, owner, "mod quota", role=everyone, tokens=7),
        "mod persona-lock": lambda: told(town, owner, "mod persona-lock", locked=True),
        "mod persona-default": lambda: told(town, owner, "mod persona-default", persona="Guide"),
    }


async def test_locked_every_command_says_so_and_loses_nothing(town: Town) -> None:
    await prepared(town)
    before = await seen(town)
    tries = await attempts(town)
    with locked(town):
        said = {name: await attempt() for name, attempt in tries.items()}
        assert await seen(town) == before  # reading goes on
        shown = await private(town, await town.owner.command("setup"))
        pressed = await town.owner.choose(
            shown, [town.general], which="Channel for what moderators do"
        )
        said["setup"] = await town.told(pressed)
    assert said == dict.fromkeys(said, BUSY)
    assert await seen(town) == before
    # And once the lock is gone, the same question can be answered again.
    assert "I took back" in await told(town, town.amy, "memory undo")


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
    async with full(town):
        said = [await made(town, town.amy, f"Nurse {n}", big) for n in range(9)]
        assert FULL in said
        assert all(text == FULL for text in said[said.index(FULL) :])
        kept = said.index(FULL)
        for n in range(kept):
            await told(town, town.amy, "persona delete", name=f"Nurse {n}")
    assert await seen(town) == before
