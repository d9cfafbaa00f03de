"""Every command of the tree: used well, by who may not, badly, with the store locked, with it full.

The table is in ``tests/stories/every_command.py``. Each time one clear sentence is said, and
nothing is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import discord
import pytest
from discord import app_commands
from sqlalchemy import event

from sandbox.actor import Actor
from sandbox.errors import NotOffered
from storage import database as database_module
from storage.records import Replies, Scope
from tests.stories.community import locked, made, told
from tests.stories.every_command import BUSY, FULL, ROWS, Row
from tests.stories.town import Town

ADMINISTRATION = ("mod ", "setup")
OWNERS = ("voice train ",)
ALWAYS = ("privacy ",)
"""One's own data stays one's own, blocked or not."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits five seconds for a lock in a test."""
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)


async def prepared(town: Town) -> None:
    """Something of everything that commands could spoil."""
    await town.house.dialogue.preferences.set_replies(town.amy.id, Replies.OFF)
    for answer in ("one", "two", "three"):
        await town.chat(town.amy, f"turn {answer}")
    await made(town, town.amy, "Pirate", "Say arr.")
    await made(town, town.owner, "Guide", "Guide them.", level="server")
    await town.house.dialogue.dictionaries.add(Scope.PERSON, town.amy.id, "nginx", "engine ex")


def who(town: Town, row: Row) -> Actor:
    actor: Actor = getattr(town, row.who)
    return actor


async def every(town: Town) -> dict[str, str]:
    """What each command says when it is used well."""
    return {path: await row.use(town, who(town, row)) for path, row in ROWS.items()}


@contextmanager
def full_disk(town: Town) -> Iterator[None]:
    """Nothing that is written finds room, not even in pages that are there: SQLite's own error.

    (``tests/stories/test_store_away.py`` has a file that really cannot grow.)
    """
    engine = town.house.database._engine.sync_engine

    def refuse(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        del connection, cursor, rest
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    event.listen(engine, "before_cursor_execute", refuse)
    yield
    event.remove(engine, "before_cursor_execute", refuse)


def stored(town: Town) -> dict[str, list[tuple[object, ...]]]:
    """All that is in the store, but for what the lobby writes to itself."""
    file = town.settings.storage.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in tables if not name.startswith(("lobby_", "sqlite_"))]
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr)  # noqa: S608
            for name in names
        }


async def test_every_command_of_the_tree_has_a_row(town: Town) -> None:
    assert town.bot is not None
    tree = {
        command.qualified_name
        for command in town.bot.tree.walk_commands()
        if not isinstance(command, app_commands.Group)
    }
    menus = {
        menu.name
        for kind in (discord.AppCommandType.message, discord.AppCommandType.user)
        for menu in town.bot.tree.get_commands(type=kind)
    }
    offers = {offer.path: offer for offer in town.owner.offers()}
    assert set(ROWS) == tree | menus == set(offers)
    for path, row in ROWS.items():
        if row.wrong is None:
            assert not offers[path].options, f"/{path} takes input: what if that is bad?"


@pytest.mark.parametrize(("away", "sentence"), [(locked, BUSY), (full_disk, FULL)])
async def test_while_the_store_is_away_and_after_it(
    town: Town, away: Callable[[Town], AbstractContextManager[None]], sentence: str
) -> None:
    await prepared(town)
    before = stored(town)
    with away(town):
        answers = await every(town)
        meant = {path: row.locked.replace(BUSY, sentence) for path, row in ROWS.items()}
        assert {path: said for path, said in answers.items() if meant[path] not in said} == {}
        assert stored(town) == before
    # The same commands work now, on all that was there.
    answers = await every(town)
    assert {p: answers[p] for p, row in ROWS.items() if row.says not in answers[p]} == {}


async def test_bad_input_has_a_reason_and_changes_nothing(town: Town) -> None:
    await prepared(town)
    before = stored(town)
    for path, row in ROWS.items():
        if row.wrong is not None:
            answer = await row.wrong(town, who(town, row))
            assert row.complains in answer, (path, answer)
    assert stored(town) == before


async def test_who_may_not_is_refused(town: Town) -> None:
    amy = town.amy
    await prepared(town)
    for path, row in ROWS.items():
        if path.startswith(ADMINISTRATION):
            for where in (None, town.owner.direct):
                with pytest.raises(NotOffered):
                    await (town.owner if where else amy).command(path, where=where)
            assert row.who == "owner", path
        if path.startswith(OWNERS):
            assert "Only whoever runs me" in await row.use(town, amy), path
    await told(town, town.owner, "mod block", member=amy.user)
    before, asked = stored(town), len(town.endpoint.chats)
    for path, row in ROWS.items():
        if not path.startswith((*ADMINISTRATION, *ALWAYS)):
            assert "blocked you" in await row.use(town, amy), path
    assert stored(town) == before
    assert len(town.endpoint.chats) == asked
    for path in ("privacy export", "privacy forget"):
        assert ROWS[path].says in await ROWS[path].use(town, amy)


def test_rows_say_something() -> None:
    for path, row in ROWS.items():
        assert row.says, path
        assert row.locked, path
        assert (row.wrong is None) == (not row.complains), path
