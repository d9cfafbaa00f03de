"""Asking and being answered, in every way there is."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.actor import File
from sandbox.permissions import Permission
from sandbox.records import Message
from storage.records import GuildSettings
from tests.dialogue.test_attachments import pdf, spoken
from tests.stories.town import Town, finished, is_voice_message, labels, notes_of, text_of
from tests.support.endpoint import REFUSALS, Reply

__all__ = ["spoken"]
"""A fixture: a sentence, as Discord packs voice messages."""

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def test_an_answer_is_acknowledged_streamed_and_ends_with_its_buttons(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("discord", edit_gap_s=0.5)
    await town.start()
    words = " ".join(f"word{n}" for n in range(60))
    town.endpoint.say(words, pace_s=0.03)
    asked = await town.amy.command("chat", text="Tell me something.")
    assert asked.answered_s is not None
    assert asked.answered_s - asked.created_s < 1
    growing = await town.until(lambda: [m for m in asked.messages if m.content])
    assert labels(growing[0]) == ["Stop"]
    answer = await town.until(lambda: finished(asked))
    assert answer.content == words
    assert labels(answer) == ["Regenerate", "Speak"]
    shown = [version.content for version in answer.versions]
    assert len(shown) > 2
    assert all(words.startswith(text) for text in shown if text)


async def test_an_instant_model_costs_few_edits(quiet_town: Town) -> None:
    town = quiet_town
    town.set("discord", edit_gap_s=1.1)
    await town.start()
    town.endpoint.say(" ".join(["word"] * 300))
    answer = await town.chat(town.amy, "Quick!")
    assert len(answer.versions) <= 3
    assert answer.content == " ".join(["word"] * 300)


async def test_a_mention_a_reply_and_a_direct_message_are_answered(town: Town) -> None:
    mention = await town.amy.mention_bot(None, "what is the tide?")
    (answer,) = await town.answers(1)
    assert answer.reply_to == mention.id
    assert answer.content == "You said: what is the tide?"
    assert town.amy.id not in answer.pinged

    await town.ben.say(None, "and tomorrow?", reply_to=answer)
    second = (await town.answers(2))[-1]
    assert second.content == "You said: and tomorrow?"

    await town.amy.dm("hello")
    (direct,) = await town.answers(1, town.amy.direct)
    assert direct.content == "You said: hello"


async def test_the_message_menu_asks_about_what_somebody_else_wrote(town: Town) -> None:
    written = await town.ben.say(None, "Boats float.")
    asked = await town.amy.menu("Ask Parley", written)
    answer = await town.until(lambda: finished(asked))
    assert "Boats float." in answer.content


async def test_what_is_not_for_parley_is_left_alone(town: Town) -> None:
    await town.ben.say(None, "Nice weather.")
    await town.ben.say(None, f"You call it with `<@{town.sandbox.bot.id}>`.")
    await town.ben.say(None, "@everyone look")
    await town.chat(town.amy, "Anyone?")
    assert len(town.endpoint.chats) == 1


async def test_where_parley_may_not_write_the_model_is_not_asked(town: Town) -> None:
    quiet = town.sandbox.add_text_channel(town.guild, "quiet")
    town.owner.moderate.overwrite(quiet, town.sandbox.bot, deny=Permission.SEND_MESSAGES)
    await town.amy.mention_bot(quiet, "psst")
    await town.chat(town.amy, "And here?")
    assert [request.asked for request in town.endpoint.chats] == ["And here?"]


async def test_where_parley_may_not_read_the_past_its_answer_stands_alone(town: Town) -> None:
    dim = town.sandbox.add_text_channel(town.guild, "dim")
    town.owner.moderate.overwrite(dim, town.sandbox.bot, deny=Permission.READ_MESSAGE_HISTORY)
    await town.amy.mention_bot(dim, "psst")
    (answer,) = await town.answers(1, dim)
    assert text_of(answer) == "You said: psst"
    sound = await town.until(lambda: next((m for m in town.said(dim) if m.attachments), None))
    assert sound is not None
    assert is_voice_message(sound)
    assert answer.reply_to is sound.reply_to is None


async def test_a_refusal_that_everybody_reads_does_not_call_itself_private(town: Town) -> None:
    settings = GuildSettings(town.guild.id, words_refused=("kraken",))
    await town.house.dialogue.moderators.save_settings(settings, town.owner.id)
    await town.amy.mention_bot(None, "release the kraken")
    refusal = await town.until(lambda: town.said())
    assert refusal[0].content == "I can't talk about that here."


async def test_one_persons_messages_are_answered_in_order_and_never_mixed(town: Town) -> None:
    town.endpoint.then(Reply("The first answer.", ending="hold"))
    first = await town.amy.command("chat", text="one")
    second = await town.amy.command("chat", text="two")
    third = await town.amy.mention_bot(None, "three")
    await town.endpoint.asked(1)
    await town.chat(town.ben, "ben waits for nobody")
    assert [request.asked for request in town.endpoint.chats] == ["one", "ben waits for nobody"]
    town.endpoint.release()
    await town.until(lambda: finished(first) and finished(second))
    await town.answers(4)
    asked = [request.asked for request in town.endpoint.chats]
    assert asked == ["one", "ben waits for nobody", "two", "three"]
    assert text_of(finished(first)) == "The first answer."
    assert text_of(finished(second)) == "You said: two"
    assert any(m.reply_to == third.id for m in town.said())


async def test_too_many_messages_at_once_are_refused_with_a_sentence(town: Town) -> None:
    town.endpoint.then(Reply("Slow.", ending="hold"))
    for n in range(6):
        await town.amy.command("chat", text=f"message {n}")
    refused = await town.amy.command("chat", text="one too many")
    assert "still answering" in await town.told(refused)
    town.endpoint.release()
    await town.answers(6)


@pytest.mark.parametrize("how", ["command", "mention"])
async def test_a_long_answer_flows_into_further_messages_with_its_code_fence(
    town: Town, how: str
) -> None:
    code = "\n".join(f"print({n})  # a line of code" for n in range(150))
    town.endpoint.say(f"Here:\n```python\n{code}\n```\nThat is all.")
    if how == "command":
        await town.amy.command("chat", text="Show me code.")
    else:
        await town.amy.mention_bot(None, "show me code")
    (last,) = await town.answers(1)
    pages = [message for message in town.said() if message.content]
    assert len(pages) >= 3
    assert all(len(page.content) <= 2000 for page in pages)
    assert all(page.content.count("```") == 2 for page in pages)
    assert pages[1].content.startswith("```python\nprint(")
    assert [labels(page) for page in pages[:-1]] == [[]] * (len(pages) - 1)
    assert last is pages[-1]
    seen = "".join(page.content for page in pages)
    assert all(f"print({n})  #" in seen for n in range(150))


async def test_a_picture_goes_to_the_model(town: Town) -> None:
    await town.chat(town.amy, "What is this?", file=File("boat.png", PICTURE))
    await town.amy.mention_bot(None, "and this?", attachments=[File("other.png", PICTURE)])
    await town.answers(2)
    for request, question in zip(town.endpoint.chats, ("What is this?", "and this?"), strict=True):
        text, picture = request.messages[-1]["content"]
        assert text["text"] == question
        assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


async def test_a_recording_is_shown_as_text_and_then_answered(town: Town, spoken: bytes) -> None:
    await town.amy.dm("", attachments=[File("voice-message.ogg", spoken, "audio/ogg")])
    await town.answers(1, town.amy.direct)
    transcript, answer = town.said(town.amy.direct)[:2]
    assert transcript.content.startswith("I heard:\n>>> ")
    assert "tomorrow" in transcript.content.lower()
    assert "London" in text_of(answer)
    assert not transcript.pinged
    assert "London" in str(town.endpoint.chats[-1].messages[-1]["content"])
    # By command too; what may not be said here is not posted as a transcript either.
    settings = GuildSettings(town.guild.id, words_refused=("London",))
    await town.house.dialogue.moderators.save_settings(settings, town.owner.id)
    asked = await town.amy.command("chat", text="What?", file=File("a.ogg", spoken, "audio/ogg"))
    assert "can't talk about that" in await town.told(asked)
    assert not any("London" in message.content for message in town.said())


async def test_a_pdf_is_part_of_the_message(town: Town) -> None:
    answer = await town.chat(
        town.amy, "Sum it up.", file=File("tides.pdf", pdf("High water at noon."))
    )
    sent = str(town.endpoint.chats[-1].messages[-1]["content"])
    assert "Sum it up." in sent
    assert "[Attachment: tides.pdf]" in sent
    assert "High water at noon." in sent
    assert "I heard" not in answer.content


async def test_a_file_that_is_too_large_is_refused_before_it_is_fetched(quiet_town: Town) -> None:
    town = quiet_town
    town.set("input", file_bytes=2048)
    await town.start()
    asked = await town.amy.command("chat", text="Read", file=File("big.txt", b"x" * 4096))
    assert "too large" in await town.told(asked)
    assert not town.endpoint.chats
    await town.chat(town.amy, "The line moves on.")


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("rate_limit", "Too many people are asking"),
        ("quota", "no credit left"),
        ("filter", "content filter stopped"),
        ("context", "longer than the language model can read"),
        ("authentication", "does not accept this bot's key"),
        ("model", "does not exist"),
        ("server", "fault of its own"),
    ],
)
async def test_each_refusal_of_the_model_has_its_own_sentence(
    town: Town, refusal: str, sentence: str
) -> None:
    town.endpoint.then(REFUSALS[refusal])
    asked = await town.amy.command("chat", text="Hello?")
    assert sentence in await town.told(asked)
    assert not town.said()
    town.endpoint.then(REFUSALS[refusal])
    await town.amy.dm("Hello?")
    direct = await town.until(lambda: town.said(town.amy.direct))
    assert sentence in direct[0].content
    assert (await town.chat(town.amy, "Again.")).content == "You said: Again."


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [("cut", "broke in the middle"), ("drop", "broke in the middle"), ("stall", "stopped in")],
)
async def test_what_was_said_before_the_stream_broke_is_kept_and_remembered(
    quiet_town: Town, ending: str, sentence: str
) -> None:
    town = quiet_town
    town.set("model", stall_s=0.4)
    await town.start()
    town.endpoint.then(Reply("The tide turns at", ending=ending))  # type: ignore[arg-type]
    answer = await town.chat(town.amy, "When?")
    assert text_of(answer).strip() == "The tide turns at"
    assert any(sentence in note for note in notes_of(answer))
    await town.chat(town.amy, "Go on.")
    remembered = [message["content"] for message in town.endpoint.chats[-1].messages]
    assert "The tide turns at" in remembered


async def test_a_model_that_never_begins_times_out(quiet_town: Town) -> None:
    town = quiet_town
    town.set("model", first_s=0.3, connect_s=0.3)
    await town.start()
    town.endpoint.then(Reply("Too late.", first_s=60))
    asked = await town.amy.command("chat", text="Hello?")
    assert "did not answer in time" in await town.told(asked)


async def test_nobody_is_pinged_by_what_a_model_writes(town: Town) -> None:
    everyone = f"@everyone @here <@{town.ben.id}> <@&{town.guild.id}> listen!"
    town.endpoint.say(everyone, pace_s=0.05)
    town.endpoint.say(everyone)
    await town.chat(town.amy, "Shout!")
    await town.amy.mention_bot(None, "Shout again!")
    await town.answers(2)
    assert all(not message.pinged for message in town.said())
    assert not town.ben.pings()


async def test_an_emoji_that_the_stream_cuts_in_two_arrives_whole(town: Town) -> None:
    town.endpoint.then(Reply(pieces=("Ahoy \ud83d", "\udc4b", " and \ud83d")))
    assert (await town.chat(town.amy, "Wave!")).content == "Ahoy 👋 and"


async def test_a_deleted_answer_stops_and_does_not_come_back(town: Town) -> None:
    town.endpoint.say(" ".join(["word"] * 400), pace_s=0.02)
    asked = await town.amy.command("chat", text="Talk!")
    growing = await town.until(lambda: [m for m in asked.messages if m.content])
    town.owner.moderate.delete_message(growing[0])
    await town.endpoint.until(lambda endpoint: endpoint.abandoned == 1)
    await town.chat(town.amy, "And now?")
    assert [text_of(message) for message in town.said()] == ["You said: And now?"]


async def test_commands_in_direct_messages_work_too(town: Town) -> None:
    answer = await town.chat(town.amy, "psst", where=town.amy.direct)
    assert answer.content == "You said: psst"


async def test_two_hundred_words_at_once_from_ten_people_each_get_their_own(town: Town) -> None:
    people = [town.sandbox.add_member(town.guild, f"p{n}") for n in range(10)]
    answers = await asyncio.gather(*(town.chat(who, f"I am {who.name}") for who in people))
    got: list[Message] = list(answers)
    assert [m.content for m in got] == [f"You said: I am {who.name}" for who in people]
