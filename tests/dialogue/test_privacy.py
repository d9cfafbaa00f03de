"""A person's data in their own hands."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from dialogue import privacy as privacy_service
from dialogue.ask import Finish, Spent
from dialogue.errors import AskedBeforeForget
from dialogue.memory import Saved
from dialogue.quotas import DAY_S
from dialogue.settings import MemorySettings
from storage import database as database_module
from storage import privacy as privacy_module
from storage.errors import StorageBusy
from storage.privacy import Privacy
from storage.records import GuildSettings, Remains, Replies, Scope
from tests.dialogue.scene import ANNA, BEN, CLUB, HALL, SETTINGS, Scene, open_scene
from tests.dialogue.test_memory import Thief
from tests.support.endpoint import Reply
from tests.support.traces import traces

MODERATOR = 9009


async def live(scene: Scene, person: int, mark: str) -> None:
    for guild in (CLUB, HALL, 0):
        await scene.say(f"{mark} said this", person, guild)
    await scene.dialogue.personas.save(person, CLUB, f"{mark}s", f"You are {mark}.")
    await scene.dialogue.personas.choose(person, CLUB, f"{mark}s")
    await scene.dialogue.preferences.set_replies(person, Replies.FILE)
    await scene.dialogue.dictionaries.add(Scope.PERSON, person, f"{mark}word", "spoken")
    await scene.dialogue.moderators.block(CLUB, MODERATOR, person)
    await scene.dialogue.moderators.unblock(CLUB, MODERATOR, person)


def files(folder: Path) -> bytes:
    """The database's files, free pages and write-ahead log among them."""
    return b"".join(path.read_bytes() for path in folder.glob("parley.db*"))


async def test_an_export_is_for_programs_and_for_people(scene: Scene) -> None:
    await live(scene, ANNA, "anna")
    await live(scene, BEN, "ben")
    export = await scene.dialogue.privacy.export(ANNA, "en-US")
    held = json.loads(export.machine)
    assert held["person_id"] == str(ANNA)
    assert {turn["guild_id"] for turn in held["held"]["turns"]} == {str(CLUB), str(HALL), "0"}
    assert set(held["held"]) == {
        "turns",
        "memories",
        "preferences",
        "personas",
        "persona_choices",
        "pronunciations",
        "usage",
        "audit",
    }
    readable = export.readable.decode()
    assert "You: anna said this" in readable
    assert "Parley: You said: anna said this" in readable
    assert "direct messages" in readable
    for file in (export.machine, export.readable):
        assert b"ben" not in file
        assert b"epoch" not in file
    assert "anna" not in repr(export)


async def test_somebody_unknown_has_an_empty_export(scene: Scene) -> None:
    export = await scene.dialogue.privacy.export(ANNA, "en-US")
    assert export.rows == 0
    assert b"holds nothing about you" in export.readable


async def test_a_forget_is_complete_and_of_one_person(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        await live(scene, ANNA, "anna")
        await live(scene, BEN, "ben")
        forgotten = await scene.dialogue.privacy.forget(ANNA)
        assert forgotten.remains is Remains.NONE
        held = json.loads((await scene.dialogue.privacy.export(ANNA, "en-US")).machine)["held"]
        # What was used today stays under a number that says nothing, so that it cannot be reset.
        assert set(held) == {"usage"}
        assert {row["person_id"] for row in held["usage"]} == {"forgotten"}
        assert b"ben" in files(tmp_path)
        assert b"anna" not in files(tmp_path)
        assert await scene.history(BEN) != []
        log = await scene.dialogue.moderators.log(CLUB)
        assert [entry.target_id for entry in log] == [BEN, BEN, 0, 0]
        await scene.say("hello again")
        assert [message["content"] for message in scene.sent[1:]] == ["hello again"]


async def test_a_forget_stops_what_is_being_written(scene: Scene) -> None:
    scene.endpoint.then(Reply("late news", ending="hold"))
    task = asyncio.create_task(scene.say("tell me"))
    await scene.endpoint.asked(1)
    await scene.dialogue.privacy.forget(ANNA)
    scene.endpoint.release()
    heard = await task
    assert heard.answer.finish in (Finish.CANCELLED, Finish.STOP)
    assert heard.answer.saved in (Saved.FORGOTTEN, Saved.NOTHING)
    assert await scene.history() == []


async def test_nothing_that_was_begun_before_a_forget_leaves_a_trace_after_it(
    scene: Scene, tmp_path: Path
) -> None:
    """An answer, a message that waits behind it, a count and a sound that come to an end later."""
    quotas = scene.dialogue.quotas
    scene.endpoint.then(Reply("late news", ending="hold"))
    first = asyncio.create_task(scene.say("tell me"))
    await scene.endpoint.asked(1)
    second = scene.hear(scene.dialogue.responder.answer(scene.ask("and this")))
    quotas.answered_later(ANNA, CLUB, Spent(7, 7, counted=False))
    await scene.dialogue.privacy.forget(ANNA)
    scene.endpoint.release()
    await first
    with pytest.raises(AskedBeforeForget):
        await second
    await quotas.spoke(ANNA, CLUB, 3.0)
    assert len(scene.endpoint.chats) == 1
    assert not traces(tmp_path / "parley.db", ANNA)
    # It was all counted nevertheless: a forget is no fresh quota.
    used = (await quotas.allowance(ANNA, CLUB)).used
    assert used.spoken_s == 3.0
    assert used.tokens >= 14
    await scene.say("We meet as strangers.")
    assert [asked for asked, _ in await scene.history()] == ["We meet as strangers."]
    scene.clock.now_s += DAY_S
    await scene.say("A day later.")
    assert traces(tmp_path / "parley.db", ANNA)["usage"] == 1


async def test_a_message_that_is_being_opened_during_a_forget_is_left(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = asyncio.Event()
    asked = type(scene.dialogue.content).asked

    async def slow(*given: object) -> None:
        await asked(*given)  # type: ignore[arg-type]
        await scene.dialogue.privacy.forget(ANNA)
        forgotten.set()

    monkeypatch.setattr(type(scene.dialogue.content), "asked", slow)
    with pytest.raises(AskedBeforeForget):
        await scene.say("tell me")
    assert forgotten.is_set()
    assert scene.endpoint.chats == []


async def test_a_forget_that_fails_has_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with open_scene(tmp_path) as scene:
        await scene.say("before")
        thief = Thief(tmp_path)
        assert (await scene.say("during")).answer.saved is Saved.POSTPONED
        for forget in (
            scene.dialogue.privacy.forget(ANNA),
            scene.dialogue.memory.clear(ANNA, CLUB),
        ):
            with pytest.raises(StorageBusy):
                await forget
        thief.give_back()
        await scene.say("after")
        assert [asked for asked, _ in await scene.history()] == ["before", "during", "after"]


async def test_what_a_reader_kept_in_the_files_is_wiped_when_they_have_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(privacy_module, "_CHECKPOINT_TRIES", 2)
    monkeypatch.setattr(privacy_service, "WIPE_EVERY_S", 0.02)
    wiped, erase = asyncio.Event(), Privacy.erase

    async def noting(self: Privacy, tables: object = None) -> Remains:
        del tables
        if (remains := await erase(self)) is Remains.NONE:
            wiped.set()
        return remains

    monkeypatch.setattr(Privacy, "erase", noting)
    async with open_scene(tmp_path) as scene:
        await scene.say("my secret")
        reader = sqlite3.connect(tmp_path / "parley.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM turns").fetchone()
        assert (await scene.dialogue.privacy.forget(ANNA)).remains is Remains.SOON
        assert b"my secret" in files(tmp_path)
        reader.close()
        async with asyncio.timeout(10):
            await wiped.wait()
        assert b"my secret" not in files(tmp_path)


async def test_a_person_with_no_words_left_can_still_write_after_a_forget(scene: Scene) -> None:
    for _ in range(3):
        await scene.say("hello")
        await scene.dialogue.privacy.forget(ANNA)
    assert (await scene.say("hello")).answer.saved is Saved.SAVED


async def test_what_is_old_is_forgotten_as_the_settings_say(tmp_path: Path) -> None:
    settings = replace(SETTINGS, memory=MemorySettings(retention_days=30, usage_days=10))
    async with open_scene(tmp_path, settings) as scene:
        await scene.dialogue.moderators.save_settings(
            GuildSettings(HALL, retention_days=2), MODERATOR
        )
        for guild in (CLUB, HALL, 0):
            await scene.say("oldest words", guild=guild)
        scene.clock.now_s += 5 * DAY_S
        for guild in (CLUB, HALL):
            await scene.say("newer words", guild=guild)
        await scene.dialogue.privacy.retain()
        assert len(await scene.history()) == 2
        assert [asked for asked, _ in await scene.history(guild=HALL)] == ["newer words"]
        scene.clock.now_s += 26 * DAY_S
        gone = await scene.dialogue.privacy.retain()
        assert gone > 0
        assert [asked for asked, _ in await scene.history()] == ["newer words"]
        assert await scene.history(guild=0) == []
        assert b"oldest words" not in files(tmp_path)
        assert (await scene.dialogue.quotas.costs()).month.answers == 0


@pytest.mark.parametrize("locale", ["zh-TW", "ja", "xx"])
async def test_the_readable_file_speaks_any_locale(scene: Scene, locale: str) -> None:
    await live(scene, ANNA, "anna")
    export = await scene.dialogue.privacy.export(ANNA, locale)
    assert b"anna said this" in export.readable
