"""Rules about who may use a voice, and trainings that are under way."""

from __future__ import annotations

from dataclasses import replace

from storage.database import Database
from storage.records import TrainingNote, VoiceRoles
from tests.storage.test_turns import ANNA, CLUB, HALL

RED, BLUE = 71, 72


async def test_a_rule_holds_in_its_server_and_one_for_everywhere_in_all(database: Database) -> None:
    rules = database.voice_rules
    assert await rules.list(CLUB) == ()
    for role in (RED, BLUE, RED):
        await rules.add(CLUB, "ada", role)
    await rules.add(0, "bea", RED)
    here = VoiceRoles(CLUB, "ada", frozenset({RED, BLUE}))
    everywhere = VoiceRoles(0, "bea", frozenset({RED}))
    assert set(await rules.list(CLUB)) == {here, everywhere}
    assert await rules.list(HALL) == await rules.list(0) == (everywhere,)
    assert not await rules.remove(HALL, "ada")
    assert await rules.remove(CLUB, "ada", BLUE)
    assert not await rules.remove(CLUB, "ada", BLUE)
    assert await rules.remove(CLUB, "ada")
    assert await rules.list(CLUB) == (everywhere,)


async def test_a_training_is_noted_until_it_is_over_or_its_person_forgotten(
    database: Database,
) -> None:
    note = TrainingNote("ab12", ANNA, CLUB, 5, 0, "ada", "zh-TW")
    await database.trainings.save(note)
    await database.trainings.save(replace(note, message_id=9))
    await database.trainings.save(replace(note, id="cd34"))
    await database.trainings.remove("cd34")
    assert await database.trainings.list() == (replace(note, message_id=9),)
    assert (await database.privacy.export(ANNA))["trainings"][0]["voice"] == "ada"
    await database.privacy.forget(ANNA, today="2026-11-22")
    assert await database.trainings.list() == ()
