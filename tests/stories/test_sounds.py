"""How Parley sounds to each person: voice, speed, replies, and how words are said."""

from __future__ import annotations

import pytest

from cogs.chat import Chat
from sandbox.actor import Actor, File
from speech.base import Line
from storage.records import GuildSettings
from tests.stories.community import confirmed, files_of, made, private, told
from tests.stories.community import lines as lines  # a fixture
from tests.stories.town import Town, is_voice_message
from tests.support.endpoint import Reply

JOE = "en_US-joe-medium"


async def heard(town: Town, lines: list[Line], text: str) -> list[Line]:
    """The lines that were sent to be spoken for an answer saying ``text``."""
    del lines[:]
    town.endpoint.say(text)
    await town.chat(town.amy, "Say something.")
    await town.until(lambda: lines)
    return list(lines)


async def taught(town: Town, who: Actor, **options: str) -> str:
    """``/dict add``, once its preview has come; what the bot says."""
    added = await who.command("dict add", **options)
    await town.until(lambda: [m for m in added.messages if m.attachments])
    return await town.told(added)


async def test_voice_and_speed_hold_from_the_next_sentence_on(
    town: Town, lines: list[Line]
) -> None:
    amy = town.amy
    (line,) = await heard(town, lines, "Hello.")
    assert (line.choice.voice, line.choice.speed) == (JOE, 1.0)
    assert "at 1.5 times" in await told(town, amy, "voice speed", factor=1.5)
    (line,) = await heard(town, lines, "Hello.")
    assert line.choice.speed == 1.5
    await told(town, amy, "voice speed", where=amy.direct)
    (line,) = await heard(town, lines, "Hello.")
    assert line.choice.speed == 1.0

    choices = await amy.autocomplete("voice set", "voice", "JOE")
    assert JOE in [choice["value"] for choice in choices]
    assert f"{JOE} speaks to you" in await told(town, amy, "voice set", voice=JOE.upper())
    assert "no voice called ../etc" in await told(town, amy, "voice set", voice="../etc")
    assert "usual voice" in await told(town, amy, "voice set", where=amy.direct)

    await made(town, amy, "Slow", "Talk slowly.", speed="0.7", voice=JOE)
    await told(town, amy, "persona set", name="Slow")
    (line,) = await heard(town, lines, "Hello.")
    assert line.choice.speed == 0.7


async def test_voices_are_listed_with_samples_and_previewed(town: Town, lines: list[Line]) -> None:
    amy = town.amy
    listed = await private(town, await amy.command("voice list", where=amy.direct))
    assert JOE in listed.content
    sample = await amy.choose(listed, [JOE])
    assert (await files_of(town, sample))["preview.ogg"].startswith(b"OggS")
    asked = await amy.command("voice preview", voice=JOE, text="Ships ahoy!")
    assert (await files_of(town, asked))["preview.ogg"].startswith(b"OggS")
    assert lines[-1].text == "Ships ahoy!"
    assert "no voice called Nobody" in await told(town, amy, "voice preview", voice="Nobody")
    used = await told(town, amy, "usage")
    assert "0 s of speech" not in used


async def test_replies_off_as_a_file_and_as_a_voice_message(town: Town, lines: list[Line]) -> None:
    amy = town.amy
    assert "text only" in await told(town, amy, "voice replies", kind="off")
    answer = await town.chat(amy, "One.")
    assert "audio file" in await told(town, amy, "voice replies", kind="file")
    await town.chat(amy, "Two.")
    (file,) = await town.until(lambda: [m for m in town.said() if m.attachments])
    assert not is_voice_message(file)
    assert all("One." not in line.text for line in lines)
    assert not answer.attachments
    assert "voice message" in await told(town, amy, "voice replies", kind="voice_message")
    await town.chat(amy, "Three.")
    await town.until(lambda: any(is_voice_message(m) for m in town.said()))
    assert "as the server has it" in await told(town, amy, "voice replies", kind="server")


@pytest.mark.parametrize("how", ["stop", "mod block", "privacy forget"])
async def test_what_was_stopped_does_not_come_as_a_voice_message(town: Town, how: str) -> None:
    amy = town.amy
    town.endpoint.then(Reply("This is said. So is this. And", ending="hold"))
    asked = await amy.command("chat", text="Talk.")
    await town.until(lambda: [m for m in asked.messages if "And" in m.content])
    if how == "mod block":
        await told(town, town.owner, how, member=amy.user)
    elif how == "privacy forget":
        await confirmed(town, amy, how)
    else:
        await told(town, amy, how)
    town.endpoint.release()
    chat = town.house.client.get_cog("Chat")
    assert isinstance(chat, Chat)
    await town.until(lambda: not chat.conversation._tasks)
    (answer,) = [m for m in town.said() if m.content]
    assert "Stopped." in answer.content
    assert not any(m.attachments for m in town.said())


async def test_what_the_owner_refuses_is_not_said_in_direct_messages_either(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("content", check="words", words=("kraken",))
    await town.start()
    amy, direct = town.amy, town.amy.direct
    refusal = "can't talk about that"
    assert refusal in await told(town, amy, "voice preview", text="A kraken!", where=direct)
    sheet = File("words.csv", b"cat,feline\nsquid,kraken\n")
    for where in (direct, town.general):
        assert refusal in await told(town, amy, "dict import", file=sheet, where=where)
    assert "empty" in await told(town, amy, "dict list")
    fine = File("words.csv", b"cat,feline\n")
    assert "1 entry" in await told(town, amy, "dict import", file=fine, where=direct)


async def test_the_dictionary_changes_what_is_said_from_the_next_sentence_on(
    town: Town, lines: list[Line]
) -> None:
    amy, owner = town.amy, town.owner
    (line,) = await heard(town, lines, "Nginx runs.")
    assert line.text == "Nginx runs."
    assert "engine ex" in await taught(town, amy, word="nginx", spoken="engine ex")
    assert lines[-1].text == "engine ex"
    (line,) = await heard(town, lines, "Nginx runs.")
    assert line.text == "engine ex runs."

    # One's own wins over the server's; others hear the server's.
    await taught(town, owner, word="nginx", spoken="en jinx", level="guild")
    (line,) = await heard(town, lines, "Nginx runs.")
    assert line.text == "engine ex runs."
    assert "nginx \u2192 en jinx" in await told(town, amy, "dict list", level="guild")
    assert "out of the dictionary" in await told(town, amy, "dict remove", word="Nginx")
    (line,) = await heard(town, lines, "Nginx runs.")
    assert line.text == "en jinx runs."
    await told(town, owner, "dict remove", word="nginx", level="guild")
    (line,) = await heard(town, lines, "Nginx runs.")
    assert line.text == "Nginx runs."
    log = await told(town, owner, "mod log")
    assert "changed the dictionary" in log
    assert "jinx" not in log

    await made(town, amy, "Pirate", "Say arr.")
    refused = await told(town, amy, "dict add", word="sea", spoken="say", level="persona")
    assert "no persona" in refused
    await told(town, amy, "persona set", name="Pirate")
    await taught(town, amy, word="sea", spoken="say", level="persona")
    (line,) = await heard(town, lines, "The sea!")
    assert line.text == "The say!"


async def test_nobodys_own_dictionary_says_what_a_server_refuses(
    town: Town, lines: list[Line]
) -> None:
    amy = town.amy
    await taught(town, amy, word="cat", spoken="kraken")
    await taught(town, amy, word="dog", spoken="hound")
    settings = GuildSettings(town.guild.id, words_refused=("kraken",))
    await town.house.dialogue.moderators.save_settings(settings, town.owner.id)
    (line,) = await heard(town, lines, "The cat and the dog.")
    assert line.text == "The cat and the hound."
    refused = await told(town, amy, "dict add", word="bird", spoken="Kraken!")
    assert "can't talk about that here" in refused


async def test_how_parley_sounds_is_remembered_after_a_restart(
    town: Town, lines: list[Line]
) -> None:
    """All three levels of the dictionary, the voice's speed, and how answers come."""
    amy, owner = town.amy, town.owner
    await taught(town, amy, word="nginx", spoken="engine ex")
    await taught(town, owner, word="GIF", spoken="jif", level="guild")
    # The owner of the bot's account is who runs it.
    await taught(town, owner, word="SQL", spoken="sequel", level="global")
    await told(town, amy, "voice set", voice=JOE)
    await told(town, amy, "voice speed", factor=1.25)
    await told(town, amy, "voice replies", kind="voice_message")
    await town.restart()
    (line,) = await heard(town, lines, "Nginx, a GIF and SQL.")
    assert line.text == "engine ex, a jif and sequel."
    assert (line.choice.voice, line.choice.speed) == (JOE, 1.25)
    await town.until(lambda: any(is_voice_message(m) for m in town.said()))


async def test_what_is_not_a_dictionary_entry_and_whose_it_is_not(town: Town) -> None:
    amy, direct = town.amy, town.amy.direct
    theirs = "for people who may manage the server"
    for level in ("guild", "global"):
        assert theirs in await told(town, amy, "dict add", word="a", spoken="b", level=level)
        assert theirs in await told(town, amy, "dict remove", word="a", level=level)
    assert "needs a word" in await told(town, amy, "dict add", word="a", spoken="b" * 200)
    assert "not in the dictionary" in await told(town, amy, "dict remove", word="nothing")
    assert "empty" in await told(town, amy, "dict list", where=direct)
    refused = await told(town, amy, "dict add", word="a", spoken="b", level="guild", where=direct)
    assert "own server" in refused


async def test_a_dictionary_travels_as_csv(town: Town) -> None:
    amy = town.amy
    sheet = File("words.csv", b"word,spoken\nGIF,jif\n=1+1,two\n")
    assert "2 entries" in await told(town, amy, "dict import", file=sheet)
    exported = (await files_of(town, await amy.command("dict export")))["dictionary.csv"]
    assert b"GIF,jif" in exported
    assert b"'=1+1,two" in exported
    broken = File("words.csv", b"GIF,jif\nonly one column\n")
    assert "Line 2" in await told(town, town.ben, "dict import", file=broken)
    assert "empty" in await told(town, town.ben, "dict list")
    foreign = File("words.csv", "GIF,jif\n\u8a9e,\u97f3\n".encode("cp950"))
    assert "Line 2" in await told(town, town.ben, "dict import", file=foreign)
    large = File("words.csv", b"x" * 600_000)
    assert "too large" in await told(town, town.ben, "dict import", file=large)


async def test_sessions_are_of_servers_but_settings_are_everywhere(town: Town) -> None:
    amy, direct = town.amy, town.amy.direct
    for path in ("voice join", "voice status"):
        assert "in a server only" in await told(town, amy, path, where=direct)
    assert "audio file" in await told(town, amy, "voice replies", kind="file", where=direct)
    await town.chat(amy, "Hello.")
    await town.until(lambda: [m for m in town.said() if m.attachments])
