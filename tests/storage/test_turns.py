"""Turns: saved once, fetched newest first, never across people or servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from storage.database import Database, open_database
from storage.records import NewTurn, Recent, Summary, Turn

ANNA, BEN = 1001, 1002
CLUB, HALL = 2001, 2002
LOBBY, ATTIC = 3001, 3002


def said(asked: str, *, person: int = ANNA, guild: int = CLUB, **given: object) -> NewTurn:
    turn = NewTurn(
        person_id=person,
        guild_id=guild,
        channel_id=LOBBY,
        asked=asked,
        answered=f"about {asked}",
        asked_tokens=10,
        answered_tokens=20,
        encoding="o200k_base",
        complete=True,
        at_s=1000.0,
    )
    return replace(turn, **given)  # type: ignore[arg-type]


async def recent(
    database: Database, person: int = ANNA, guild: int = CLUB, budget: int = 10_000
) -> Recent:
    return await database.turns.recent(person, guild, budget_tokens=budget)


async def tell(database: Database, turn: NewTurn) -> Turn | None:
    epoch = (await recent(database, turn.person_id, turn.guild_id)).epoch
    return await database.turns.save(turn, epoch=epoch)


async def texts(database: Database, person: int = ANNA, guild: int = CLUB) -> list[str]:
    return [turn.asked for turn in (await recent(database, person, guild)).turns]


async def test_a_memory_is_of_one_person_in_one_server(database: Database) -> None:
    await tell(database, said("secret"))
    await tell(database, said("other", person=BEN))
    await tell(database, said("elsewhere", guild=HALL))
    await tell(database, said("privately", guild=0))
    assert await texts(database) == ["secret"]
    assert await texts(database, BEN) == ["other"]
    assert await texts(database, ANNA, HALL) == ["elsewhere"]
    assert await texts(database, ANNA, 0) == ["privately"]
    assert await texts(database, BEN, HALL) == []


async def test_a_saved_turn_is_what_was_given(database: Database) -> None:
    given = said("😀 ünï\u0000".replace("\0", ""), complete=False, since_id=7, at_s=12.25)
    saved = await tell(database, given)
    [found] = (await recent(database)).turns
    assert found == saved
    assert (found.asked, found.complete, found.since_id, found.at_s) == (
        given.asked,
        False,
        7,
        12.25,
    )


async def test_no_more_is_fetched_than_the_budget_needs(database: Database) -> None:
    for number in range(100):
        await tell(database, said(str(number)))
    some = await recent(database, budget=90)
    assert some.more
    assert [turn.asked for turn in some.turns] == [str(n) for n in range(68, 100)]  # one page
    most = await recent(database, budget=1500)
    assert [turn.asked for turn in most.turns] == [str(n) for n in range(36, 100)]
    everything = await recent(database, budget=100_000)
    assert len(everything.turns) == 100
    assert not everything.more


async def test_older_turns_can_be_asked_for_alone(database: Database) -> None:
    turns = [await tell(database, said(str(number))) for number in range(5)]
    assert turns[3] is not None
    before = await database.turns.recent(ANNA, CLUB, budget_tokens=1000, before_id=turns[3].id)
    assert [turn.asked for turn in before.turns] == ["0", "1", "2"]


async def test_a_turn_begun_before_a_clear_is_not_saved_after_it(database: Database) -> None:
    begun = await recent(database)
    await tell(database, said("before"))
    assert await database.turns.clear(ANNA, CLUB) == 1
    assert await database.turns.save(said("late"), epoch=begun.epoch) is None
    assert await texts(database) == []
    again = await recent(database)
    assert again.epoch != begun.epoch
    assert await database.turns.save(said("late"), epoch=begun.epoch) is None
    assert await database.turns.save(said("new"), epoch=again.epoch) is not None
    assert await texts(database) == ["new"]


async def test_clearing_one_memory_leaves_the_others(database: Database) -> None:
    for person in (ANNA, BEN):
        for guild in (CLUB, HALL):
            await tell(database, said("x", person=person, guild=guild))
    await database.turns.clear(ANNA, CLUB)
    assert await texts(database) == []
    assert await texts(database, ANNA, HALL) == ["x"]
    assert await texts(database, BEN) == ["x"]


async def test_undo_takes_back_the_newest_and_numbers_are_not_used_again(
    database: Database,
) -> None:
    await tell(database, said("one"))
    two = await tell(database, said("two"))
    assert await database.turns.undo(ANNA, CLUB) == two
    assert await texts(database) == ["one"]
    three = await tell(database, said("three"))
    assert two is not None and three is not None
    assert three.id > two.id
    assert await database.turns.undo(BEN, CLUB) is None


async def test_a_replaced_turn_keeps_its_place_and_its_pin(database: Database) -> None:
    turns = [await tell(database, said(name)) for name in ("one", "two", "three")]
    epoch = (await recent(database)).epoch
    two = turns[1]
    assert two is not None
    await database.turns.pin(ANNA, CLUB, two.id, True)
    new = await database.turns.replace(two.id, said("two again"), epoch=epoch)
    assert new is not None and new.id == two.id and new.pinned
    assert await texts(database) == ["one", "two again", "three"]
    strange = await recent(database, BEN)
    assert (
        await database.turns.replace(two.id, said("mine", person=BEN), epoch=strange.epoch) is None
    )


async def test_pins_are_found_however_old_they_are(database: Database) -> None:
    first = await tell(database, said("pinned"))
    for number in range(40):
        await tell(database, said(str(number)))
    assert first is not None
    assert await database.turns.pin(ANNA, CLUB, first.id, True)
    assert not await database.turns.pin(BEN, CLUB, first.id, True)
    found = await recent(database, budget=50)
    assert [turn.asked for turn in found.pinned] == ["pinned"]
    assert first.id not in {turn.id for turn in found.turns}
    await database.turns.pin(ANNA, CLUB, first.id, False)
    assert (await recent(database)).pinned == ()


async def test_moderators_clear_a_channel_and_what_was_summed_up_of_it(
    database: Database,
) -> None:
    here = await tell(database, said("here"))
    await tell(database, said("there", channel_id=ATTIC))
    await tell(database, said("there", person=BEN, channel_id=ATTIC))
    assert here is not None
    epoch = (await recent(database)).epoch
    assert await database.turns.save_summary(
        ANNA, CLUB, Summary("of both", 3, "o200k_base", here.id), epoch=epoch
    )
    assert await database.turns.clear_channel(CLUB, LOBBY) == 1
    assert await texts(database) == ["there"]
    assert await texts(database, BEN) == ["there"]
    assert (await recent(database)).summary is None
    assert await database.turns.clear_guild(CLUB) == 2
    assert await texts(database) == await texts(database, BEN) == []


async def test_clearing_a_channel_leaves_pins_elsewhere_and_what_is_written_there_out(
    database: Database,
) -> None:
    kept = await tell(database, said("pin me", channel_id=ATTIC))
    assert kept is not None
    await database.turns.pin(ANNA, CLUB, kept.id, True)
    await tell(database, said("here"))
    before = (await recent(database)).epoch
    await database.turns.clear_channel(CLUB, LOBBY)
    assert [turn.id for turn in (await recent(database)).pinned] == [kept.id]
    assert await database.turns.save(said("late"), epoch=before) is None


async def test_a_summary_belongs_to_its_memory_and_goes_with_it(database: Database) -> None:
    one = await tell(database, said("one"))
    two = await tell(database, said("two"))
    assert one is not None and two is not None
    epoch = (await recent(database)).epoch
    summary = Summary("they said one and two", 5, "o200k_base", two.id)
    assert await database.turns.save_summary(ANNA, CLUB, summary, epoch=epoch)
    assert (await recent(database)).summary == summary
    older = replace(summary, text="older", upto_id=one.id)
    assert not await database.turns.save_summary(ANNA, CLUB, older, epoch=epoch)
    assert not await database.turns.save_summary(ANNA, CLUB, summary, epoch=epoch + 1)
    await database.turns.undo(ANNA, CLUB)
    assert (await recent(database)).summary is None
    assert not await database.turns.save_summary(ANNA, CLUB, summary, epoch=epoch)


async def test_old_turns_expire_with_their_summary(database: Database) -> None:
    old = await tell(database, said("old", at_s=10.0))
    await tell(database, said("new", at_s=500.0))
    await tell(database, said("old", at_s=10.0, guild=HALL))
    assert old is not None
    epoch = (await recent(database)).epoch
    await database.turns.save_summary(ANNA, CLUB, Summary("s", 1, "x", old.id), epoch=epoch)
    assert await database.turns.expire(100.0, CLUB) == 1
    assert await texts(database) == ["new"]
    assert (await recent(database)).summary is None
    assert await texts(database, ANNA, HALL) == ["old"]
    assert await database.turns.expire(100.0) == 1


async def test_many_people_save_at_once(database: Database) -> None:
    await asyncio.gather(
        *(tell(database, said(str(n), person=p)) for p in range(1, 9) for n in range(10))
    )
    for person in range(1, 9):
        assert sorted(await texts(database, person)) == sorted(map(str, range(10)))


async def test_many_new_people_are_met_at_once_by_readers_who_turn_to_writing(
    database: Database,
) -> None:
    everybody = asyncio.Barrier(40)

    async def meet(person: int) -> None:
        await everybody.wait()
        async with database.reading():
            await recent(database, person)  # a memory is begun, inside the view

    async with asyncio.timeout(20):
        await asyncio.gather(*(meet(person) for person in range(40)))


async def test_a_transaction_that_raises_changes_nothing(database: Database) -> None:
    await tell(database, said("one"))
    with pytest.raises(ZeroDivisionError):
        async with database.writing():
            await database.turns.undo(ANNA, CLUB)
            assert await texts(database) == []
            raise ZeroDivisionError
    assert await texts(database) == ["one"]


async def test_memory_survives_closing(url: str) -> None:
    async with open_database(url) as database:
        await tell(database, said("kept"))
    async with open_database(url) as database:
        assert await texts(database) == ["kept"]
