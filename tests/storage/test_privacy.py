"""Export hands over everything about a person; forget removes it, from the files' bytes too."""

from __future__ import annotations

import json
import random
import string
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import privacy as privacy_module
from storage.database import Database, open_database
from storage.errors import StorageBusy
from storage.records import (
    Action,
    Block,
    Preferences,
    Pronunciation,
    Remains,
    Replies,
    Scope,
    Summary,
    Target,
    Usage,
)
from storage.tables import PERSON, Base
from tests.storage.test_turns import ANNA, BEN, CLUB, HALL, recent, said, tell, texts
from tests.support.databases import url_for

MODERATOR = 9009
TODAY, YESTERDAY = "2026-11-22", "2026-11-21"


async def live(database: Database, person: int, mark: str) -> None:
    """Leave a trace wherever one can be left."""
    for guild in (0, CLUB, HALL):
        turn = await tell(database, said(f"{mark} asked", person=person, guild=guild))
        await tell(database, said(f"{mark} undone", person=person, guild=guild))
        await database.turns.undo(person, guild)
        assert turn is not None
        epoch = (await recent(database, person, guild)).epoch
        summary = Summary(f"{mark} summary", 3, "o200k_base", turn.id)
        await database.turns.save_summary(person, guild, summary, epoch=epoch)
        for day in (TODAY, YESTERDAY):
            await database.quotas.add(person, guild, Usage(day, tokens_in=5, answers=1))
    await database.people.save_preferences(Preferences(person, voice=f"{mark} voice"))
    persona = await database.personas.save(
        guild_id=CLUB, owner_id=person, name=f"{mark} name", prompt=f"{mark} prompt"
    )
    await database.personas.choose(person, CLUB, persona.id)
    await database.pronunciations.save(
        [
            Pronunciation(Scope.PERSON, person, f"{mark} term", f"{mark} spoken"),
            Pronunciation(Scope.PERSONA, persona.id, f"{mark} term", f"{mark} spoken"),
        ]
    )
    await database.blocks.add(Block(CLUB, person, by_id=MODERATOR, at_s=1.0))
    for action in (Action.BLOCK, Action.CLEAR_MEMORY):
        await database.audit.add(
            guild_id=CLUB,
            actor_id=MODERATOR,
            action=action,
            target=Target.PERSON,
            target_id=person,
            at_s=1.0,
        )


async def test_export_has_every_table_and_nothing_of_anybody_else(database: Database) -> None:
    await live(database, ANNA, "anna")
    await live(database, BEN, "ben")
    held = await database.privacy.export(ANNA)
    ours = {
        "audit",
        "blocks",
        "memories",
        "persona_choices",
        "personas",
        "preferences",
        "pronunciations",
        "turns",
        "usage",
    }
    assert ours <= set(held)
    said_of = json.dumps(held)
    assert "ben" not in said_of
    assert str(BEN) not in said_of
    assert len(held["turns"]) == 3
    assert len(held["pronunciations"]) == 2
    assert len(held["usage"]) == 6


async def test_forget_leaves_nobody_but_the_others(database: Database) -> None:
    await live(database, ANNA, "anna")
    await live(database, BEN, "ben")
    before = await database.privacy.export(BEN)
    forgotten = await database.privacy.forget(ANNA, today=TODAY)
    assert forgotten.rows > 10
    sqlite = database.dialect == "sqlite"
    assert forgotten.remains is (Remains.NONE if sqlite else Remains.FREED)
    left = await database.privacy.export(ANNA)
    assert set(left) == {"blocks", "usage"}  # under a stand-in; see the next two stories
    assert str(ANNA) not in json.dumps(left)
    assert await texts(database) == []
    assert await database.personas.list(CLUB, ANNA) == ()
    assert await database.privacy.export(BEN) == before
    assert await texts(database, BEN) == ["ben asked"]


async def test_forgetting_is_no_way_around_a_block(database: Database) -> None:
    await database.blocks.add(Block(CLUB, ANNA, by_id=MODERATOR, at_s=1.0))
    await database.privacy.forget(ANNA, today=TODAY)
    assert await database.blocks.blocked(CLUB, ANNA)
    assert not await database.blocks.blocked(HALL, ANNA)
    assert not await database.blocks.blocked(CLUB, BEN)
    assert [block.person_id for block in await database.blocks.list(CLUB)] == [0]
    # Blocked and forgotten once more: still one block, and a moderator can lift it.
    await database.blocks.add(Block(CLUB, ANNA, by_id=MODERATOR, at_s=2.0))
    await database.privacy.forget(ANNA, today=TODAY)
    assert len(await database.blocks.list(CLUB)) == 1
    assert await database.blocks.remove(CLUB, ANNA)
    assert not await database.blocks.blocked(CLUB, ANNA)


async def test_forgetting_is_no_fresh_quota(database: Database) -> None:
    for day in (TODAY, YESTERDAY):
        await database.quotas.add(ANNA, CLUB, Usage(day, tokens_in=5, tokens_out=6))
    await database.privacy.forget(ANNA, today=TODAY)
    await database.quotas.add(ANNA, CLUB, Usage(TODAY, tokens_in=10))
    await database.privacy.forget(ANNA, today=TODAY)
    assert (await database.quotas.used(ANNA, TODAY))[CLUB].tokens == 21
    assert await database.quotas.used(ANNA, YESTERDAY) == {}
    assert await database.quotas.used(BEN, TODAY) == {}


async def test_audit_entries_stay_without_the_person(database: Database) -> None:
    await live(database, ANNA, "anna")
    await database.audit.add(
        guild_id=CLUB,
        actor_id=ANNA,
        action=Action.UNBLOCK,
        target=Target.PERSON,
        target_id=BEN,
        at_s=3.0,
    )
    await database.privacy.forget(ANNA, today=TODAY)
    entries = await database.audit.list(CLUB)
    assert [(entry.actor_id, entry.target_id) for entry in entries] == [
        (0, BEN),
        (MODERATOR, 0),
        (MODERATOR, 0),
    ]


async def test_every_marked_table_is_exported_and_forgotten(database: Database) -> None:
    """Whoever adds a table: a row about a person is found, and is gone after a forget."""
    tables = [
        table
        for table in Base.metadata.sorted_tables
        if any(column.info.get(PERSON) for column in table.columns)
    ]
    assert len(tables) >= 9
    for number, table in enumerate(tables):
        values = {}
        for column in table.columns:
            if column.info.get(PERSON):
                values[column.name] = ANNA
            elif column.name == "target":
                values[column.name] = Target.PERSON.value
            elif not column.nullable and column.default is None:
                kind = column.type.python_type
                values[column.name] = str(number) if kind is str else kind(number)
        async with database.writing() as connection:
            await connection.execute(insert(table).values(**values))
    held = await database.privacy.export(ANNA)
    assert {table.name for table in tables} <= set(held)
    await database.privacy.forget(ANNA, today=TODAY)
    left = await database.privacy.export(ANNA)
    assert set(left) <= {"blocks"}
    assert str(ANNA) not in json.dumps(left)


async def test_postgresql_gives_the_space_of_a_forgotten_person_back(tmp_path: Path) -> None:
    async with open_database(url_for("postgresql", tmp_path)) as database:
        await live(database, ANNA, "anna")
        await database.privacy.forget(ANNA, today=TODAY)
        for table in ("turns", "memories", "preferences", "personas", "pronunciations"):
            async with database.reading() as connection:
                size = text("SELECT pg_relation_size(CAST(:table AS regclass))")
                # Dead rows would still fill a page.
                assert await connection.scalar(size, {"table": table}) == 0, table


async def test_what_cannot_be_wiped_is_forgotten_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def away() -> AsyncIterator[AsyncConnection]:
        raise StorageBusy
        yield

    await live(database, ANNA, "anna")
    monkeypatch.setattr(database, "outside_transactions", away)
    monkeypatch.setattr(privacy_module, "_CHECKPOINT_TRIES", 1)
    forgotten = await database.privacy.forget(ANNA, today=TODAY)
    assert forgotten.rows > 10
    assert forgotten.remains is not Remains.NONE
    assert await texts(database) == []


def bytes_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.iterdir():
        yield path.name, path.read_bytes()


async def test_after_a_forget_the_bytes_are_in_no_file(tmp_path: Path) -> None:
    """Short texts, texts over many pages, rewritten and removed ones: in no page, free or not."""
    rng = random.Random(5)
    marks = ["".join(rng.choices(string.ascii_letters, k=24)) for _ in range(12)]
    async with open_database(f"sqlite:///{tmp_path / 'parley.db'}") as database:
        await live(database, BEN, "benbenben")
        for number, mark in enumerate(marks):
            text = mark * (1 if number % 2 else 2000)
            turn = await tell(database, said(text, answered=text, guild=number % 3))
            assert turn is not None
            if number % 4 == 0:
                epoch = (await recent(database, ANNA, number % 3)).epoch
                other = said(f"{mark} again", guild=number % 3)
                await database.turns.replace(turn.id, other, epoch=epoch)
        await live(database, ANNA, "annaannaanna")
        await database.people.save_preferences(Preferences(ANNA, replies=Replies.FILE))
        there = b"".join(data for _, data in bytes_of(tmp_path))
        assert all(mark.encode() in there for mark in marks)
        forgotten = await database.privacy.forget(ANNA, today=TODAY)
        assert forgotten.remains is Remains.NONE
        for name, data in bytes_of(tmp_path):
            for mark in (*marks, "annaannaanna"):
                assert mark.encode() not in data, name
        # The others are still there, and the store still works.
        assert b"benbenben" in b"".join(data for _, data in bytes_of(tmp_path))
        await tell(database, said("new"))
        assert await texts(database) == ["new"]


async def test_a_forget_waits_for_readers_before_it_says_erased(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path / 'parley.db'}") as database:
        await tell(database, said("a secret of mine"))
        async with open_database(f"sqlite:///{tmp_path / 'parley.db'}") as other:
            async with other.reading():
                assert await texts(other) == ["a secret of mine"]
                # A reader in another process would hold old pages just so; it may still see them.
                await database.turns.clear(ANNA, CLUB)
                assert await texts(other) == ["a secret of mine"]
            assert await database.privacy.erase() is Remains.NONE
        for name, data in bytes_of(tmp_path):
            assert b"a secret of mine" not in data, name
