"""Personas, preferences, dictionaries, usage, limits, blocks, audit entries, servers' settings."""

from __future__ import annotations

from dataclasses import replace

from storage.database import Database
from storage.records import (
    Action,
    Block,
    DefaultFor,
    GuildSettings,
    Limit,
    Persona,
    Preferences,
    Pronunciation,
    Replies,
    Scope,
    Standing,
    Target,
    Usage,
)
from tests.storage.test_turns import ANNA, BEN, CLUB, HALL

RED, BLUE, ROOM = 41, 42, 51


async def test_preferences_are_remembered_and_can_be_taken_back(database: Database) -> None:
    assert await database.people.preferences(ANNA) == Preferences(ANNA)
    chosen = Preferences(ANNA, voice="joe", speaker="1", speed=1.25, replies=Replies.VOICE_MESSAGE)
    await database.people.save_preferences(chosen)
    assert await database.people.preferences(ANNA) == chosen
    await database.people.save_preferences(replace(chosen, speed=None))
    assert (await database.people.preferences(ANNA)).speed is None
    await database.people.save_preferences(Preferences(ANNA))
    assert await database.privacy.export(ANNA) == {}


async def chosen(database: Database, person: int, guild: int) -> Persona | None:
    return await database.personas.active(person, guild, ROOM)


async def test_a_persona_is_chosen_by_one_person_in_one_server(database: Database) -> None:
    pirate = await database.personas.save(guild_id=CLUB, owner_id=0, name="Pirate", prompt="Arr.")
    await database.personas.choose(ANNA, CLUB, pirate.id)
    assert await chosen(database, ANNA, CLUB) == pirate
    assert await chosen(database, BEN, CLUB) is None
    assert await chosen(database, ANNA, HALL) is None
    again = await database.personas.save(
        guild_id=CLUB, owner_id=0, name="Pirate", prompt="Ahoy!", voice="joe", speed=0.9
    )
    assert again.id == pirate.id
    assert await chosen(database, ANNA, CLUB) == again
    await database.personas.choose(ANNA, CLUB, None)
    assert await chosen(database, ANNA, CLUB) is None


async def test_nobody_talks_with_a_persona_of_another(database: Database) -> None:
    private = await database.personas.save(guild_id=CLUB, owner_id=ANNA, name="Mine", prompt="x")
    assert await database.personas.list(CLUB, ANNA) == (private,)
    assert await database.personas.list(CLUB, BEN) == ()
    await database.personas.choose(BEN, CLUB, private.id)
    assert await chosen(database, BEN, CLUB) is None
    await database.personas.choose(ANNA, HALL, private.id)
    assert await chosen(database, ANNA, HALL) is None
    await database.personas.set_default(CLUB, DefaultFor.GUILD, CLUB, private.id)
    assert await chosen(database, ANNA, CLUB) is None


async def test_the_more_particular_default_wins(database: Database) -> None:
    made = {
        name: await database.personas.save(guild_id=CLUB, owner_id=0, name=name, prompt="x")
        for name in ("everyone", "red", "blue", "room")
    }
    await database.personas.set_default(CLUB, DefaultFor.GUILD, CLUB, made["everyone"].id)
    await database.personas.set_default(CLUB, DefaultFor.ROLE, RED, made["red"].id)
    await database.personas.set_default(CLUB, DefaultFor.ROLE, BLUE, made["blue"].id)
    await database.personas.set_default(CLUB, DefaultFor.CHANNEL, ROOM, made["room"].id)

    async def default(guild: int, channel: int, roles: tuple[int, ...]) -> Persona | None:
        return await database.personas.active(ANNA, guild, channel, roles)

    assert await default(CLUB, ROOM, (RED, BLUE)) == made["room"]
    assert await default(CLUB, 1, (RED, BLUE)) == made["red"]
    assert await default(CLUB, 1, (BLUE, RED)) == made["blue"]
    assert await default(CLUB, 1, ()) == made["everyone"]
    assert await default(HALL, ROOM, (RED,)) is None
    assert await database.personas.delete(made["room"].id)
    assert not await database.personas.delete(made["room"].id)
    assert await default(CLUB, ROOM, (BLUE,)) == made["blue"]
    await database.personas.set_default(CLUB, DefaultFor.ROLE, BLUE, None)
    assert await default(CLUB, ROOM, (BLUE,)) == made["everyone"]
    assert len(await database.personas.defaults(CLUB)) == 2
    await database.personas.choose(ANNA, CLUB, made["blue"].id)
    assert await default(CLUB, ROOM, ()) == made["blue"]
    locked = await database.personas.active(ANNA, CLUB, ROOM, (), chosen=False)
    assert locked == made["everyone"]


async def test_dictionaries_of_different_owners_are_apart(database: Database) -> None:
    entries = [
        Pronunciation(Scope.PERSON, ANNA, "b", "bee"),
        Pronunciation(Scope.PERSON, ANNA, "a", "ay"),
        Pronunciation(Scope.PERSON, BEN, "a", "ben's"),
        Pronunciation(Scope.GUILD, CLUB, "a", "club's"),
        Pronunciation(Scope.GLOBAL, 0, "a", "all's"),
    ]
    await database.pronunciations.save(entries)
    mine = await database.pronunciations.list((Scope.PERSON, ANNA), (Scope.GUILD, CLUB))
    assert mine == (entries[1], entries[0], entries[3])
    await database.pronunciations.save([replace(entries[1], spoken="eh")])
    assert await database.pronunciations.count(Scope.PERSON, ANNA) == 2
    assert (await database.pronunciations.list((Scope.PERSON, ANNA)))[0].spoken == "eh"
    assert await database.pronunciations.remove(Scope.PERSON, ANNA, "a")
    assert not await database.pronunciations.remove(Scope.PERSON, ANNA, "a")
    assert await database.pronunciations.count(Scope.PERSON, BEN) == 1


async def test_usage_adds_up_by_person_server_and_day(database: Database) -> None:
    once = Usage("2026-11-22", 5, 7, 12, 1.5, 1, 0.25)
    for _ in range(3):
        await database.quotas.add(ANNA, CLUB, once)
    await database.quotas.add(ANNA, HALL, once)
    await database.quotas.add(ANNA, CLUB, replace(once, day="2026-11-23"))
    await database.quotas.add(BEN, CLUB, once)
    used = await database.quotas.used(ANNA, "2026-11-22")
    assert used == {CLUB: Usage("2026-11-22", 15, 21, 36, 4.5, 3, 0.75), HALL: once}
    assert (await database.quotas.totals("2026-11-22")).answers == 6
    assert (await database.quotas.totals("2026-11-23")).answers == 1
    assert (await database.quotas.totals("2026-11-22", HALL)).tokens == 12
    assert await database.quotas.expire("2026-11-23") == 3
    assert await database.quotas.used(ANNA, "2026-11-22") == {}


async def test_limits_are_of_one_role_in_one_server(database: Database) -> None:
    await database.quotas.set_limit(Limit(CLUB, RED, 100, None))
    await database.quotas.set_limit(Limit(CLUB, RED, 200, 30.0))
    await database.quotas.set_limit(Limit(HALL, RED, 1, 1.0))
    assert await database.quotas.limits(CLUB) == (Limit(CLUB, RED, 200, 30.0),)
    assert await database.quotas.remove_limit(CLUB, RED)
    assert not await database.quotas.remove_limit(CLUB, RED)
    assert await database.quotas.limits(CLUB) == ()


async def test_a_block_holds_in_its_server(database: Database) -> None:
    await database.blocks.add(Block(CLUB, ANNA, by_id=BEN, at_s=1.0))
    await database.blocks.add(Block(CLUB, 77, by_id=BEN, at_s=2.0))
    assert await database.blocks.blocked(CLUB, ANNA)
    assert not await database.blocks.blocked(HALL, ANNA)
    assert [block.person_id for block in await database.blocks.list(CLUB)] == [77, ANNA]
    assert await database.blocks.remove(CLUB, ANNA)
    assert not await database.blocks.remove(CLUB, ANNA)


async def test_the_audit_log_is_read_backwards_in_pages(database: Database) -> None:
    for number in range(5):
        await database.audit.add(
            guild_id=CLUB,
            actor_id=ANNA,
            action=Action.SET_LIMIT,
            target=Target.ROLE,
            target_id=number,
            at_s=float(number),
        )
    first = await database.audit.list(CLUB, limit=3)
    assert [entry.target_id for entry in first] == [4, 3, 2]
    rest = await database.audit.list(CLUB, limit=3, before_id=first[-1].id)
    assert [entry.target_id for entry in rest] == [1, 0]
    assert await database.audit.list(HALL) == ()
    assert await database.audit.expire(2.0) == 2


async def test_how_a_person_stands_is_one_answer(database: Database) -> None:
    assert await database.guilds.standing(CLUB, ANNA) == Standing(
        GuildSettings(CLUB), blocked=False, limited=False
    )
    await database.guilds.save_settings(GuildSettings(CLUB, tools=True))
    await database.blocks.add(Block(CLUB, ANNA, by_id=BEN, at_s=1.0))
    await database.quotas.set_limit(Limit(CLUB, RED, 1, None))
    expected = Standing(GuildSettings(CLUB, tools=True), blocked=True, limited=True)
    assert await database.guilds.standing(CLUB, ANNA) == expected
    await database.privacy.forget(ANNA, today="2026-11-22")
    assert await database.guilds.standing(CLUB, ANNA) == expected
    assert not (await database.guilds.standing(CLUB, BEN)).blocked
    assert not (await database.guilds.standing(HALL, ANNA)).blocked


async def test_a_server_keeps_what_it_set(database: Database) -> None:
    assert await database.guilds.settings(CLUB) == GuildSettings(CLUB)
    chosen = GuildSettings(
        CLUB,
        chat_channel_id=2**63 - 1,
        locale="zh-TW",
        replies=Replies.FILE,
        tools=True,
        words_refused=("禁", "no"),
        persona_locked=True,
        retention_days=30,
    )
    await database.guilds.save_settings(chosen)
    assert await database.guilds.settings(CLUB) == chosen
    await database.guilds.save_settings(GuildSettings(HALL))
    assert set(await database.guilds.all()) == {chosen, GuildSettings(HALL)}
