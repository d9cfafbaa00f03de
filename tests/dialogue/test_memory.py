"""What a person sees and can change of their memory, and what happens when the store is away."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from dialogue.errors import NothingToUndo, PinsFull, TurnGone
from dialogue.memory import MemoryView, Saved
from dialogue.settings import MemorySettings
from dialogue.summary import CHARACTERS_MOST
from storage import database as database_module
from storage.records import GuildSettings
from tests.dialogue.scene import ANNA, BEN, CLUB, HALL, ROOM, SETTINGS, Scene, open_scene
from tests.support.endpoint import Refusal, Reply, Request


async def view(scene: Scene, person: int = ANNA, guild: int = CLUB) -> MemoryView:
    return await scene.dialogue.responder.memory_view(person, guild, ROOM)


async def long_talk(scene: Scene, turns: int, words: int = 200) -> None:
    for number in range(turns):
        scene.endpoint.say("word " * words)
        await scene.say(f"{number} " + "word " * words)


async def test_the_gauge_says_what_is_kept_and_what_was_trimmed(scene: Scene) -> None:
    empty = await view(scene)
    assert empty.kept == ()
    assert 0 < empty.gauge < 0.1
    await long_talk(scene, 7)
    full = await view(scene)
    assert full.budget_tokens == 2000
    assert 0.8 < full.gauge <= 1
    assert full.used_tokens <= 2000
    assert len(full.kept) == 4
    assert full.trimmed_turns == 3
    assert 1000 < full.trimmed_tokens < 1500
    # What is shown is what a next message is sent with.
    await scene.say("next")
    assert [m["content"] for m in scene.sent[1:-1]] == [
        text for turn in full.kept for text in (turn.asked, turn.answered)
    ]


async def test_undo_takes_back_the_last_turn_only(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two")
    undone = await scene.dialogue.memory.undo(ANNA, CLUB)
    assert undone.asked == "two"
    assert await scene.history() == [("one", "You said: one")]
    await scene.dialogue.memory.undo(ANNA, CLUB)
    with pytest.raises(NothingToUndo):
        await scene.dialogue.memory.undo(ANNA, CLUB)


async def test_a_pinned_turn_stays_in_the_window(scene: Scene) -> None:
    await scene.say("my name is Anna")
    [turn] = (await view(scene)).kept
    assert (await scene.dialogue.memory.pin(ANNA, CLUB, turn.id)).pinned
    await long_talk(scene, 7)
    assert (await view(scene)).kept[0].asked == "my name is Anna"
    await scene.say("what is my name?")
    assert scene.sent[1]["content"] == "my name is Anna"
    await scene.dialogue.memory.pin(ANNA, CLUB, turn.id, pinned=False)
    await scene.say("and now?")
    assert "my name is Anna" not in str(scene.sent)


async def test_pins_leave_room_to_talk_and_belong_to_their_owner(scene: Scene) -> None:
    await long_talk(scene, 3)
    ids = [turn.id for turn in (await view(scene)).kept]
    memory = scene.dialogue.memory
    await memory.pin(ANNA, CLUB, ids[0])
    await memory.pin(ANNA, CLUB, ids[1])
    await memory.pin(ANNA, CLUB, ids[1])
    with pytest.raises(PinsFull):
        await memory.pin(ANNA, CLUB, ids[2])
    for person, guild in ((BEN, CLUB), (ANNA, HALL)):
        with pytest.raises(TurnGone):
            await memory.pin(person, guild, ids[2])


async def test_clearing_forgets_the_talk_and_keeps_the_persona(scene: Scene) -> None:
    await scene.dialogue.personas.save(ANNA, CLUB, "Pirate", "You are a pirate.")
    await scene.dialogue.personas.choose(ANNA, CLUB, "Pirate")
    await scene.say("one")
    await scene.say("elsewhere", guild=HALL)
    assert await scene.dialogue.memory.clear(ANNA, CLUB) == 1
    await scene.say("two")
    assert [m["content"] for m in scene.sent] == ["You are a pirate.", "two"]
    assert await scene.history(guild=HALL) != []


# -- the store is away -------------------------------------------------------------------------


class Thief:
    """Holds the database's write lock, as another process would."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "parley.db")
        self._connection.execute("BEGIN IMMEDIATE")

    def give_back(self) -> None:
        self._connection.rollback()
        self._connection.close()


async def test_a_turn_is_not_lost_while_the_store_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with open_scene(tmp_path) as scene:
        await scene.say("before")
        thief = Thief(tmp_path)
        heard = await scene.say("during")
        assert heard.text == "You said: during"
        assert heard.answer.saved is Saved.POSTPONED
        assert "save this as soon as I can" in heard.footer
        assert [asked for asked, _ in await scene.history()] == ["before"]
        # It is part of the talk all the same.
        await scene.say("and again")
        assert "during" in str(scene.sent)
        thief.give_back()
        await scene.say("after")
        assert (await scene.dialogue.quotas.allowance(ANNA, CLUB)).used.answers == 4
        assert [asked for asked, _ in await scene.history()] == [
            "before",
            "during",
            "and again",
            "after",
        ]


async def test_an_answer_given_again_while_the_store_is_locked_takes_its_place_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with open_scene(tmp_path) as scene:
        first = await scene.say("question")
        await scene.say("something else")
        thief = Thief(tmp_path)
        scene.endpoint.say("a better answer")
        again = await scene.say("", replaces=first.answer.turn_id)
        assert again.answer.saved is Saved.POSTPONED
        await scene.say("unsaved")
        view = await scene.dialogue.responder.memory_view(ANNA, CLUB, ROOM)
        assert [bool(turn.id) for turn in view.kept] == [True, True, False]
        assert view.trimmed_turns == 0
        thief.give_back()
        await scene.say("and now?")
        history = await scene.history()
        assert history[0] == ("question", "a better answer")
        assert [asked for asked, _ in history[2:]] == ["unsaved", "and now?"]


async def test_what_waits_is_saved_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with open_scene(tmp_path) as scene:
        await scene.say("before")
        thief = Thief(tmp_path)
        await scene.say("during")
        thief.give_back()
    async with open_scene(tmp_path) as scene:
        assert [asked for asked, _ in await scene.history()] == ["before", "during"]


@pytest.mark.parametrize("how", ["clear", "forget", "undo", "moderator"])
async def test_what_waits_can_be_forgotten_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    async with open_scene(tmp_path) as scene:
        await scene.say("before")
        thief = Thief(tmp_path)
        await scene.say("during")
        if how == "undo":
            assert (await scene.dialogue.memory.undo(ANNA, CLUB)).asked == "during"
            thief.give_back()
        else:
            thief.give_back()
            if how == "clear":
                await scene.dialogue.memory.clear(ANNA, CLUB)
            elif how == "forget":
                await scene.dialogue.privacy.forget(ANNA)
            else:
                await scene.dialogue.moderators.clear_channel(CLUB, BEN, ROOM)
        await scene.say("after")
        assert "during" not in str(scene.sent)
        assert "during" not in str(await scene.history())


# -- summaries ---------------------------------------------------------------------------------


def summariser(request: Request) -> Reply | Refusal:
    if "Summarise a conversation" in request.messages[0]["content"]:
        return Reply(f"Notes of {request.asked.count('Person:')} turns. " + "long " * 400)
    return Reply("word " * 200)


async def summarised(scene: Scene, number: int) -> None:
    """Until so many summaries were asked for and saved."""

    def notes(endpoint: object) -> bool:
        return sum("Summarise" in r.messages[0]["content"] for r in scene.endpoint.chats) >= number

    await scene.endpoint.until(notes)
    async with asyncio.timeout(10):
        while scene.dialogue.responder.busy:
            await asyncio.wait(scene.dialogue.responder.busy)


async def test_what_leaves_is_summed_up_within_the_budget(tmp_path: Path) -> None:
    settings = replace(SETTINGS, memory=MemorySettings(summary=True, summary_tokens=60))
    async with open_scene(tmp_path, settings) as scene:
        scene.endpoint.otherwise = summariser
        for number in range(6):
            await scene.say(f"{number} " + "word " * 200)
        await summarised(scene, 1)
        shown = await view(scene)
        assert shown.summary is not None
        assert shown.summary.text.startswith("Notes of 1 turns.")
        assert shown.summary.tokens <= 60
        assert shown.used_tokens <= 2000
        await scene.say("6 " + "word " * 200)
        asked = [r for r in scene.endpoint.chats if "Summarise" not in r.messages[0]["content"]]
        sent = asked[-1]
        assert sent.messages[1]["role"] == "assistant"
        assert sent.messages[1]["content"].startswith("Notes of")
        await summarised(scene, 2)
        # The second was made of the first and of what left since.
        second = [r for r in scene.endpoint.chats if "Summarise" in r.messages[0]["content"]][1]
        assert "Notes of 1 turns." in second.asked
        await scene.dialogue.memory.clear(ANNA, CLUB)
        assert (await view(scene)).summary is None


async def test_one_long_turn_does_not_push_the_notes_out(tmp_path: Path) -> None:
    settings = replace(SETTINGS, memory=MemorySettings(summary=True, summary_tokens=60))
    long = "word " * (CHARACTERS_MOST // 4)

    def talkative(request: Request) -> Reply | Refusal:
        if request.asked.startswith("long"):
            return Reply(long)
        return summariser(request)

    async with open_scene(tmp_path, settings) as scene:
        scene.endpoint.otherwise = talkative
        for number in range(6):
            await scene.say(f"{number} " + "word " * 200)
        await summarised(scene, 1)
        await scene.say("long")
        for number in range(6):
            await scene.say(f"{number} " + "word " * 200)
        await summarised(scene, 3)
        notes = [r for r in scene.endpoint.chats if "Summarise" in r.messages[0]["content"]]
        assert any(long[-1000:] in request.asked for request in notes)
        assert all(r.asked.startswith("Notes so far:\nNotes of") for r in notes[1:])


async def test_a_server_chooses_for_itself(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        scene.endpoint.otherwise = summariser
        await scene.dialogue.moderators.save_settings(GuildSettings(CLUB, summary=True), BEN)
        for guild in (CLUB, HALL):
            for number in range(6):
                await scene.say(f"{number} " + "word " * 200, guild=guild)
        await summarised(scene, 1)
        assert (await view(scene)).summary is not None
        assert (await view(scene, guild=HALL)).summary is None


async def test_no_summary_is_no_harm(tmp_path: Path) -> None:
    settings = replace(SETTINGS, memory=MemorySettings(summary=True))

    def failing(request: Request) -> Reply | Refusal:
        if "Summarise a conversation" in request.messages[0]["content"]:
            return Refusal(500, None)
        return Reply("word " * 200)

    async with open_scene(tmp_path, settings) as scene:
        scene.endpoint.otherwise = failing
        for number in range(6):
            assert (await scene.say(f"{number} " + "word " * 200)).error is None
        await summarised(scene, 1)
        assert (await view(scene)).summary is None
