"""Personas, preferences and dictionaries: chosen by people, bounded, and lockable by a server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dialogue.dictionaries import ENTRIES_MOST
from dialogue.errors import (
    BadDictionaryFile,
    BadEntry,
    BadName,
    BadValue,
    ContentRefused,
    DictionaryFull,
    FileTooLarge,
    NotThisServer,
    PersonaLocked,
    PersonaMissing,
    PersonaTooLong,
    TooManyPersonas,
)
from dialogue.preferences import sound
from storage.records import DefaultFor, GuildSettings, Preferences, Replies, Scope
from tests.dialogue.scene import ANNA, BEN, CLUB, HALL, ROOM, Scene

MODERATOR, RED = 9009, 41


async def system(scene: Scene, person: int = ANNA, guild: int = CLUB, **given: Any) -> str:
    await scene.say("hello", person, guild, **given)
    return str(scene.sent[0]["content"])


# -- personas ----------------------------------------------------------------------------------


async def test_a_persona_of_ones_own_talks_with_its_owner_alone(scene: Scene) -> None:
    personas = scene.dialogue.personas
    made = await personas.save(ANNA, CLUB, " Old  Pirate ", "You are a pirate.", voice="joe")
    assert made.name == "Old Pirate"
    assert await personas.choose(ANNA, CLUB, "old pirate") == made
    assert await system(scene) == "You are a pirate."
    assert await system(scene, BEN) != "You are a pirate."
    assert await system(scene, guild=HALL) != "You are a pirate."
    with pytest.raises(PersonaMissing):
        await personas.choose(BEN, CLUB, "Old Pirate")
    async with scene.dialogue.responder.answer(scene.ask("hi")) as answer:
        assert answer.persona == made
    await personas.clear(ANNA, CLUB)
    assert await system(scene) != "You are a pirate."


async def test_a_persona_in_direct_messages(scene: Scene) -> None:
    await scene.dialogue.personas.save(ANNA, 0, "Poet", "You rhyme.")
    await scene.dialogue.personas.choose(ANNA, 0, "Poet")
    assert await system(scene, guild=0) == "You rhyme."
    with pytest.raises(NotThisServer):
        await scene.dialogue.personas.save(ANNA, 0, "Poet", "x", for_guild=True)
    with pytest.raises(NotThisServer):
        await scene.dialogue.personas.set_default(0, DefaultFor.GUILD, 0, "Poet")


async def test_a_server_has_defaults_and_people_choose_otherwise(scene: Scene) -> None:
    personas = scene.dialogue.personas
    for name in ("Guide", "Red", "Room"):
        await personas.save(MODERATOR, CLUB, name, f"You are {name}.", for_guild=True)
    await personas.set_default(CLUB, DefaultFor.GUILD, CLUB, "guide")
    await personas.set_default(CLUB, DefaultFor.ROLE, RED, "red")
    assert await system(scene) == "You are Guide."
    assert await system(scene, role_ids=(7, RED)) == "You are Red."
    await personas.set_default(CLUB, DefaultFor.CHANNEL, ROOM, "room")
    assert await system(scene, role_ids=(7, RED)) == "You are Room."
    await personas.choose(ANNA, CLUB, "Guide")
    assert await system(scene) == "You are Guide."
    with pytest.raises(PersonaMissing):
        await personas.set_default(HALL, DefaultFor.GUILD, HALL, "guide")


async def test_a_lock_puts_the_servers_persona_first(scene: Scene) -> None:
    personas = scene.dialogue.personas
    await personas.save(MODERATOR, CLUB, "Guide", "You are Guide.", for_guild=True)
    await personas.set_default(CLUB, DefaultFor.GUILD, CLUB, "Guide")
    await personas.save(ANNA, CLUB, "Pirate", "You are a pirate.")
    await personas.choose(ANNA, CLUB, "Pirate")
    await scene.dialogue.moderators.save_settings(GuildSettings(CLUB, persona_locked=True), 9)
    assert await system(scene) == "You are Guide."
    with pytest.raises(PersonaLocked):
        await personas.choose(ANNA, CLUB, "Pirate")
    with pytest.raises(PersonaLocked):
        await personas.save(ANNA, CLUB, "Other", "x")
    await personas.save(MODERATOR, CLUB, "Other", "x", for_guild=True)
    await personas.save(ANNA, 0, "Pirate", "In private all the same.")


async def test_a_persona_is_bounded(scene: Scene) -> None:
    personas = scene.dialogue.personas
    with pytest.raises(PersonaTooLong) as caught:
        await personas.save(ANNA, CLUB, "Long", "word " * 1500)
    assert caught.value.details["limit"] == 996
    for bad in ("", "x" * 33, "../../etc", "<|im_start|>", "-", "a\nb|c", "@everyone"):
        with pytest.raises(BadName):
            await personas.save(ANNA, CLUB, bad, "x")
    for speed in (0.1, 5.0, float("nan")):
        with pytest.raises(BadValue):
            await personas.save(ANNA, CLUB, "Fast", "x", speed=speed)
    for number in range(10):
        await personas.save(ANNA, CLUB, f"P{number}", "x")
    with pytest.raises(TooManyPersonas):
        await personas.save(ANNA, CLUB, "P10", "x")
    await personas.save(ANNA, CLUB, "p3", "changed")
    assert [p.prompt for p in await personas.list(ANNA, CLUB) if p.name == "P3"] == ["changed"]


async def test_people_delete_their_own_personas_only(scene: Scene) -> None:
    personas = scene.dialogue.personas
    await personas.save(MODERATOR, CLUB, "Guide", "x", for_guild=True)
    await personas.save(ANNA, CLUB, "Mine", "x")
    with pytest.raises(PersonaMissing):
        await personas.delete(ANNA, CLUB, "Guide")
    with pytest.raises(PersonaMissing):
        await personas.delete(BEN, CLUB, "Mine")
    with pytest.raises(PersonaMissing):
        await personas.delete(MODERATOR, HALL, "Guide", for_guild=True)
    await personas.delete(ANNA, CLUB, "mine")
    await personas.delete(MODERATOR, CLUB, "Guide", for_guild=True)
    assert await personas.list(ANNA, CLUB) == ()


# -- preferences -------------------------------------------------------------------------------


async def test_preferences_are_everywhere_and_can_be_taken_back(scene: Scene) -> None:
    preferences = scene.dialogue.preferences
    await preferences.set_voice(ANNA, "joe", "3")
    await preferences.set_speed(ANNA, 1.5)
    await preferences.set_replies(ANNA, Replies.VOICE_MESSAGE)
    chosen = await preferences.get(ANNA)
    assert chosen == Preferences(ANNA, "joe", "3", 1.5, Replies.VOICE_MESSAGE)
    for speed in (0.49, 2.01, float("nan")):
        with pytest.raises(BadValue):
            await preferences.set_speed(ANNA, speed)
    await preferences.set_speed(ANNA, None)
    assert (await preferences.get(ANNA)).speed is None
    assert await preferences.get(BEN) == Preferences(BEN)


async def test_preferences_that_are_changed_at_once_are_all_kept(scene: Scene) -> None:
    preferences = scene.dialogue.preferences
    await asyncio.gather(
        preferences.note_locale(ANNA, "ja"),
        preferences.set_voice(ANNA, "joe", "3"),
        preferences.set_speed(ANNA, 1.5),
        preferences.set_replies(ANNA, Replies.FILE),
    )
    chosen = Preferences(ANNA, "joe", "3", 1.5, Replies.FILE, "ja")
    assert await preferences.get(ANNA) == chosen


async def test_a_language_is_noted_unless_it_is_the_usual_one(scene: Scene) -> None:
    preferences = scene.dialogue.preferences
    await preferences.note_locale(ANNA, "en-US")
    assert await scene.database.privacy.export(ANNA) == {}
    await preferences.note_locale(ANNA, "ja")
    assert (await preferences.get(ANNA)).locale == "ja"
    await preferences.note_locale(ANNA, "en-US")
    assert await scene.database.privacy.export(ANNA) == {}


async def test_what_one_chose_sounds_before_the_persona_and_the_server(scene: Scene) -> None:
    persona = await scene.dialogue.personas.save(ANNA, CLUB, "P", "x", voice="deep", speed=0.8)
    nothing = Preferences(ANNA)
    assert sound(nothing, None, None) == (None, None, 1.0)
    assert sound(nothing, None, "house") == ("house", None, 1.0)
    assert sound(nothing, persona, "house") == ("deep", None, 0.8)
    mine = replace(nothing, voice="joe", speaker="2", speed=1.2)
    assert sound(mine, persona, "house") == ("joe", "2", 1.2)


# -- dictionaries ------------------------------------------------------------------------------


async def test_levels_of_a_dictionary_are_apart(scene: Scene) -> None:
    dictionaries = scene.dialogue.dictionaries
    persona = await scene.dialogue.personas.save(ANNA, CLUB, "P", "x")
    await dictionaries.add(Scope.GLOBAL, 0, "GIF", "jif")
    await dictionaries.add(Scope.GUILD, CLUB, "GIF", "ghif")
    await dictionaries.add(Scope.PERSONA, persona.id, "SQL", "sequel")
    await dictionaries.add(Scope.PERSON, ANNA, " SQL ", "  ess  cue ell ")
    mine = await dictionaries.active(ANNA, CLUB, persona)
    assert (mine.user, mine.server, mine.world) == (
        {"SQL": "ess cue ell"},
        {"GIF": "ghif"},
        {"GIF": "jif"},
    )
    bens = await dictionaries.active(BEN, CLUB, persona)
    assert bens.user == {"SQL": "sequel"}
    assert (await dictionaries.active(BEN, 0)).server == {}
    assert await dictionaries.remove(Scope.PERSON, ANNA, "SQL")
    assert not await dictionaries.remove(Scope.PERSON, ANNA, "SQL")


async def test_a_dictionary_travels_as_a_file(scene: Scene) -> None:
    dictionaries = scene.dialogue.dictionaries
    entries = {"LOL": "laughing", "小明": "ㄒㄧㄠˇ ㄇㄧㄥˊ", 'say "hi"': "a, b", "=1+1": "-two"}
    entries |= {"'tis": "it is", "'=1": "quoted", "@home": "+", "''-": "x"}
    for term, spoken in entries.items():
        await dictionaries.add(Scope.PERSON, ANNA, term, spoken)
    file = await dictionaries.export_csv(Scope.PERSON, ANNA)
    assert b"\n=1+1" not in file  # no spreadsheet runs it
    assert await dictionaries.import_csv(Scope.PERSON, BEN, file) == 8
    theirs = {entry.term: entry.spoken for entry in await dictionaries.list(Scope.PERSON, BEN)}
    assert theirs == entries


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (b"word,spoken\na,b\nonly one\n", 3),
        (b"a,b,c\n", 1),
        (b"a,\n", 1),
        (b"ok,fine\n\n" + b"x" * 65 + b",long\n", 3),
        (b"ok,fine\n\xff\xfe,bad\n", 2),
        (b"ok,fine\n" + "\u8a9e,\u97f3\n".encode("cp950"), 2),
        (b"\xff\xfea\x00,\x00", 1),
    ],
)
async def test_a_file_with_a_mistake_changes_nothing_and_says_where(
    scene: Scene, file: bytes, line: int
) -> None:
    with pytest.raises(BadDictionaryFile) as caught:
        await scene.dialogue.dictionaries.import_csv(Scope.PERSON, ANNA, file)
    assert caught.value.details == {"line": line}
    assert await scene.dialogue.dictionaries.list(Scope.PERSON, ANNA) == ()


@pytest.mark.parametrize(
    "file",
    [
        "word,spoken\nGIF,jif\n".encode("utf-8-sig"),
        "word\tspoken\r\nGIF\tjif\r\n".encode("utf-16"),
        b"GIF;jif\n",
        b'"GIF","jif"',
    ],
)
async def test_files_as_spreadsheets_write_them(scene: Scene, file: bytes) -> None:
    assert await scene.dialogue.dictionaries.import_csv(Scope.PERSON, ANNA, file) == 1
    (entry,) = await scene.dialogue.dictionaries.list(Scope.PERSON, ANNA)
    assert (entry.term, entry.spoken) == ("GIF", "jif")


async def test_a_dictionary_is_bounded(scene: Scene) -> None:
    dictionaries = scene.dialogue.dictionaries
    for term, spoken in (("", "x"), ("x", " "), ("\u200b", "x"), ("x" * 65, "x"), ("x", "y" * 101)):
        with pytest.raises(BadEntry):
            await dictionaries.add(Scope.PERSON, ANNA, term, spoken)
    most = ENTRIES_MOST[Scope.PERSON]
    file = "".join(f"w{n},s\n" for n in range(most)).encode()
    assert await dictionaries.import_csv(Scope.PERSON, ANNA, file) == most
    await dictionaries.add(Scope.PERSON, ANNA, "w1", "changed")
    with pytest.raises(DictionaryFull):
        await dictionaries.add(Scope.PERSON, ANNA, "one more", "x")
    with pytest.raises(FileTooLarge):
        await dictionaries.import_csv(Scope.PERSON, BEN, b"a,b\n" * 200_000)


async def test_all_that_a_file_would_have_said_is_checked_before_any_of_it_is_kept(
    scene: Scene,
) -> None:
    dictionaries, seen = scene.dialogue.dictionaries, list[str]()

    async def check(spoken: str) -> None:
        seen.extend(spoken.split("\n"))
        if "s149" in seen:
            raise ContentRefused

    file = "".join(f"w{n},s{n}\n" for n in range(150)).encode()
    with pytest.raises(ContentRefused):
        await dictionaries.import_csv(Scope.PERSON, ANNA, file, check)
    assert seen == [f"s{n}" for n in range(150)]
    assert await dictionaries.list(Scope.PERSON, ANNA) == ()
