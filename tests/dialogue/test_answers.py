"""Answers over a real socket: what is sent, what is said, what is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dialogue.ask import Document, Finish, Image
from dialogue.errors import LineFull, NoSight, NothingAsked, TurnGone
from dialogue.memory import Saved
from dialogue.settings import MemorySettings
from tests.dialogue.scene import ANNA, BEN, CLUB, HALL, KEY, SETTINGS, Scene, open_scene
from tests.support.endpoint import Reply

PNG = Image("image/png", b"\x89PNG\r\n\x1a\n")


async def test_a_message_is_answered_and_remembered(scene: Scene) -> None:
    scene.endpoint.say("Hello, Anna.")
    heard = await scene.say("Hi there")
    assert heard.text == "Hello, Anna."
    assert heard.answer.finish is Finish.STOP
    assert heard.answer.saved is Saved.SAVED
    assert (await scene.dialogue.memory.turn(ANNA, CLUB, heard.answer.turn_id)).asked == "Hi there"
    assert scene.endpoint.chats[0].key == KEY
    assert await scene.history() == [("Hi there", "Hello, Anna.")]
    scene.endpoint.say("You said hi there.")
    await scene.say("What did I say?")
    roles = [(message["role"], message["content"]) for message in scene.sent]
    assert roles[1:] == [
        ("user", "Hi there"),
        ("assistant", "Hello, Anna."),
        ("user", "What did I say?"),
    ]
    assert roles[0][0] == "system"


async def test_text_comes_while_it_is_being_written(scene: Scene) -> None:
    scene.endpoint.then(Reply(pieces=("one ", "two "), ending="hold"))
    async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
        seen = ""
        async for piece in answer:
            seen += piece
            if seen == "one two ":
                assert answer.finish is None
                scene.endpoint.release()
        assert answer.finish is Finish.STOP


async def test_history_is_of_this_person_in_this_server(scene: Scene) -> None:
    await scene.say("my secret", ANNA, CLUB)
    for person, guild in ((BEN, CLUB), (ANNA, HALL), (ANNA, 0)):
        await scene.say("hello", person, guild)
        assert "secret" not in str(scene.sent)


async def test_what_was_seen_is_what_is_remembered(scene: Scene) -> None:
    scene.endpoint.then(Reply(pieces=("one ", "two ", "three"), ending="stall"))
    async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
        seen = await anext(answer)
        answer.cancel()
        assert [piece async for piece in answer] == []
        assert answer.finish is Finish.CANCELLED
        assert await answer.settle("one", complete=False) is Saved.SAVED
        assert await answer.settle("something else", complete=True) is Saved.SAVED
    assert seen.startswith("one")
    assert await scene.history() == [("count", "one")]
    [turn] = (await scene.database.turns.recent(ANNA, CLUB, budget_tokens=1)).turns
    assert not turn.complete
    await scene.endpoint.until(lambda endpoint: endpoint.abandoned == 1)


async def test_leaving_without_settling_saves_what_was_handed_out(scene: Scene) -> None:
    scene.endpoint.then(Reply(pieces=("one ",), ending="stall"))
    with pytest.raises(ZeroDivisionError):
        async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
            await anext(answer)
            raise ZeroDivisionError
    assert await scene.history() == [("count", "one")]


async def test_a_reader_that_is_cancelled_still_saves(scene: Scene) -> None:
    scene.endpoint.then(Reply(pieces=("one ",), ending="stall"))
    reading = asyncio.Event()

    async def read() -> None:
        async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
            async for _ in answer:
                reading.set()

    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert await scene.history() == [("count", "one")]


async def test_nothing_seen_is_nothing_remembered(scene: Scene) -> None:
    scene.endpoint.then(Reply(ending="stall"))
    async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
        await scene.endpoint.asked(1)
        answer.cancel()
        assert await answer.settle("", complete=False) is Saved.NOTHING
    assert await scene.history() == []


async def test_a_second_message_waits_for_the_first_and_knows_of_it(scene: Scene) -> None:
    scene.endpoint.then(Reply("First answer.", ending="hold"))
    responder = scene.dialogue.responder
    first, second = responder.answer(scene.ask("one")), responder.answer(scene.ask("two"))
    assert not first.waiting
    assert second.waiting
    tasks = [asyncio.create_task(scene.hear(second)), asyncio.create_task(scene.hear(first))]
    await scene.endpoint.asked(1)
    # Somebody else is answered meanwhile.
    assert (await scene.say("hello", BEN)).text
    assert len(scene.endpoint.chats) == 2
    scene.endpoint.say("Second answer.")
    scene.endpoint.release()
    await asyncio.gather(*tasks)
    assert await scene.history() == [("one", "First answer."), ("two", "Second answer.")]
    assert [m["content"] for m in scene.sent[1:]] == ["one", "First answer.", "two"]


async def test_a_place_taken_early_keeps_its_order(scene: Scene) -> None:
    responder = scene.dialogue.responder
    with_file = responder.line_up(ANNA)  # its attachment is still being fetched
    quick = asyncio.create_task(scene.hear(responder.answer(scene.ask("quick"))))
    await scene.hear(responder.answer(scene.ask("with a file"), place=with_file))
    await quick
    assert [asked for asked, _ in await scene.history()] == ["with a file", "quick"]


async def test_a_line_is_bounded(tmp_path: Path) -> None:
    settings = replace(SETTINGS, memory=MemorySettings(waiting=1))
    async with open_scene(tmp_path, settings) as scene:
        responder = scene.dialogue.responder
        first, second = responder.answer(scene.ask("1")), responder.answer(scene.ask("2"))
        with pytest.raises(LineFull):
            responder.answer(scene.ask("3"))
        await asyncio.gather(scene.hear(first), scene.hear(second))
        assert (await scene.say("3")).text


async def test_a_failed_message_does_not_hold_up_the_next(scene: Scene) -> None:
    responder = scene.dialogue.responder
    empty, good = responder.answer(scene.ask("  \u200b ")), responder.answer(scene.ask("good"))
    with pytest.raises(NothingAsked):
        async with empty:
            pass
    assert (await scene.hear(good)).text == "You said: good"


async def test_pictures_are_seen_as_pictures(scene: Scene) -> None:
    heard = await scene.say("What is this?", images=(PNG,))
    assert heard.footer == ""
    text, picture = scene.sent[-1]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert picture["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="
    await scene.say("", images=(PNG,))
    assert scene.sent[-1]["content"][0]["text"]
    assert len(await scene.history()) == 2


async def test_too_many_pictures_are_not_sent(scene: Scene) -> None:
    heard = await scene.say("What are these?", images=(PNG,) * 6)
    assert len(scene.sent[-1]["content"]) == 1 + 4
    assert "first 4 pictures" in heard.footer


async def test_a_model_that_cannot_see_is_not_shown_pictures(tmp_path: Path) -> None:
    settings = replace(SETTINGS, model=replace(SETTINGS.model, images=False, name="blind"))
    async with open_scene(tmp_path, settings) as scene:
        heard = await scene.say("What is this?", images=(PNG,))
        assert scene.sent[-1]["content"] == "What is this?"
        assert "can't see pictures" in heard.footer
        with pytest.raises(NoSight):
            await scene.say("", images=(PNG,))


async def test_documents_are_part_of_the_message(scene: Scene) -> None:
    note = Document("no\nte.txt", "Buy milk.")
    long = Document("long.txt", "word " * 50, cut=True)
    voice = Document("voice-message.ogg", "Good morning", heard=True)
    heard = await scene.say("Summarise", documents=(voice, note, long))
    content = scene.sent[-1]["content"]
    assert content.startswith("Summarise\n\nGood morning\n\n[Attachment: no te.txt]\nBuy milk.")
    assert "[Attachment: long.txt (beginning)]" in content
    assert "beginning of a file" in heard.footer


async def test_a_message_too_long_is_cut_and_says_so(scene: Scene) -> None:
    heard = await scene.say("word " * 5000)
    assert "too long" in heard.footer
    sent = sum(len(message["content"].split()) for message in scene.sent)
    assert 1500 < sent < 2000


async def test_what_left_the_memory_is_said(scene: Scene) -> None:
    for number in range(4):
        scene.endpoint.say("word " * 300)
        heard = await scene.say(f"{number} " + "word " * 300)
    assert heard.footer == "1 older message left my memory"
    assert not any("0 word" in str(message["content"]) for message in scene.sent)
    assert (await scene.say("short")).footer == ""


async def test_answering_again_keeps_the_place(scene: Scene) -> None:
    scene.endpoint.say("First try.")
    await scene.say("Tell me something")
    await scene.say("Thanks")
    [first, _] = (await scene.database.turns.recent(ANNA, CLUB, budget_tokens=10**6)).turns
    scene.endpoint.say("Second try.")
    heard = await scene.say("", replaces=first.id)
    assert heard.text == "Second try."
    assert heard.answer.turn_id == first.id
    assert [m["content"] for m in scene.sent[1:]] == ["Tell me something"]
    assert [answered for _, answered in await scene.history()] == [
        "Second try.",
        "You said: Thanks",
    ]
    with pytest.raises(TurnGone):
        await scene.say("", BEN, replaces=first.id)
    with pytest.raises(TurnGone):
        await scene.say("", ANNA, HALL, replaces=first.id)


async def test_clearing_while_an_answer_is_written(scene: Scene) -> None:
    await scene.say("before")
    scene.endpoint.then(Reply("late", ending="hold"))
    task = asyncio.create_task(scene.say("during"))
    await scene.endpoint.asked(2)
    await scene.dialogue.memory.clear(ANNA, CLUB)
    scene.endpoint.release()
    heard = await task
    assert heard.answer.saved is Saved.FORGOTTEN
    assert "cleared meanwhile" in heard.footer
    assert await scene.history() == []


async def test_words_of_the_footer_are_the_persons(scene: Scene) -> None:
    """The footer goes through the catalogue, whatever languages it has."""
    heard = await scene.say("word " * 5000, locale="xx")
    assert "too long" in heard.footer


async def test_stopping_everything_of_one_person(scene: Scene) -> None:
    scene.endpoint.then(*[Reply("word", ending="stall")] * 2)
    here = asyncio.create_task(scene.say("here"))
    other = asyncio.create_task(scene.say("there", BEN))
    await scene.endpoint.asked(2)
    responder = scene.dialogue.responder
    assert responder.cancel_person(ANNA, HALL) == 0
    assert responder.cancel_person(ANNA, CLUB) == 1
    assert (await here).answer.finish is Finish.CANCELLED
    assert not other.done()
    assert responder.cancel_person(BEN) == 1
    await other
