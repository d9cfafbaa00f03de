"""What moderators can do, what it leaves behind, and what is checked before it goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialogue.errors import (
    AnswerRefused,
    Blocked,
    CheckUnavailable,
    ContentRefused,
    NotThisServer,
)
from dialogue.moderators import Moderators
from dialogue.settings import ContentSettings
from storage.records import Action, GuildSettings, Target
from tests.dialogue.scene import ANNA, ATTIC, BEN, CLUB, HALL, ROOM, SETTINGS, Scene, open_scene
from tests.support.endpoint import Reply

MODERATOR = 9009


async def test_clearing_a_members_memory_shows_nothing_of_it(scene: Scene) -> None:
    await scene.say("my secret")
    await scene.say("elsewhere", guild=HALL)
    await scene.say("in private", guild=0)
    await scene.say("other", BEN)
    acted = await scene.dialogue.moderators.clear_memory(CLUB, MODERATOR, ANNA)
    assert acted.changed == 1
    assert "secret" not in repr(acted)
    assert await scene.history() == []
    assert await scene.history(guild=HALL) != []
    assert await scene.history(guild=0) != []
    assert await scene.history(BEN) != []
    entry = acted.entry
    assert (entry.actor_id, entry.action, entry.target, entry.target_id, entry.at_s) == (
        MODERATOR,
        Action.CLEAR_MEMORY,
        Target.PERSON,
        ANNA,
        scene.clock.now_s,
    )
    assert await scene.dialogue.moderators.log(CLUB) == (entry,)
    assert await scene.dialogue.moderators.log(HALL) == ()


async def test_clearing_a_channel_or_everything(scene: Scene) -> None:
    await scene.say("room")
    await scene.say("attic", channel_id=ATTIC)
    await scene.say("attic", BEN, channel_id=ATTIC)
    await scene.say("hall", guild=HALL)
    assert (await scene.dialogue.moderators.clear_channel(CLUB, MODERATOR, ATTIC)).changed == 2
    assert [asked for asked, _ in await scene.history()] == ["room"]
    assert (await scene.dialogue.moderators.clear_guild(CLUB, MODERATOR)).changed == 1
    assert await scene.history(guild=HALL) != []
    actions = [entry.action for entry in await scene.dialogue.moderators.log(CLUB)]
    assert actions == [Action.CLEAR_GUILD, Action.CLEAR_CHANNEL]


async def test_a_blocked_member_is_not_answered_in_that_server(scene: Scene) -> None:
    moderators = scene.dialogue.moderators
    assert (await moderators.block(CLUB, MODERATOR, ANNA)).changed == 1
    assert (await moderators.block(CLUB, MODERATOR, ANNA)).changed == 0
    with pytest.raises(Blocked):
        await scene.say("hello?")
    assert scene.endpoint.chats == []
    assert (await scene.say("hello", guild=HALL)).text
    assert (await scene.say("hello", guild=0)).text
    assert await moderators.blocked(CLUB, ANNA)
    assert [block.person_id for block in await moderators.blocks(CLUB)] == [ANNA]
    assert (await moderators.unblock(HALL, MODERATOR, ANNA)).changed == 0
    assert (await moderators.unblock(CLUB, MODERATOR, ANNA)).changed == 1
    assert (await scene.say("hello")).text


async def test_moderators_act_in_a_server_only(scene: Scene) -> None:
    moderators = scene.dialogue.moderators
    for act in (
        moderators.clear_memory(0, MODERATOR, ANNA),
        moderators.clear_channel(0, MODERATOR, ROOM),
        moderators.clear_guild(0, MODERATOR),
        moderators.block(0, MODERATOR, ANNA),
        moderators.unblock(0, MODERATOR, ANNA),
        moderators.set_limit(0, MODERATOR, 1, tokens_per_day=1, spoken_s_per_day=None),
        moderators.save_settings(GuildSettings(0), MODERATOR),
        moderators.record(0, MODERATOR, Action.END_SESSION, Target.PERSON, ANNA),
        moderators.log(0),
        moderators.blocks(0),
        moderators.limits(0),
    ):
        with pytest.raises(NotThisServer):
            await act


async def test_no_act_without_its_entry(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.say("kept")

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(scene.database.audit, "add", broken)
    moderators: Moderators = scene.dialogue.moderators
    for act in (
        moderators.clear_memory(CLUB, MODERATOR, ANNA),
        moderators.clear_guild(CLUB, MODERATOR),
        moderators.block(CLUB, MODERATOR, ANNA),
        moderators.save_settings(GuildSettings(CLUB, tools=True), MODERATOR),
    ):
        with pytest.raises(ZeroDivisionError):
            await act
    assert await scene.history() != []
    assert not await moderators.blocked(CLUB, ANNA)
    assert not (await scene.database.guilds.settings(CLUB)).tools


async def test_settings_and_locks_are_told_apart_in_the_log(scene: Scene) -> None:
    moderators = scene.dialogue.moderators
    await moderators.save_settings(GuildSettings(CLUB, tools=True), MODERATOR)
    await moderators.save_settings(GuildSettings(CLUB, tools=True, persona_locked=True), MODERATOR)
    await moderators.record(CLUB, MODERATOR, Action.END_SESSION, Target.PERSON, ANNA)
    actions = [entry.action for entry in await moderators.log(CLUB)]
    assert actions == [Action.END_SESSION, Action.PERSONA_LOCK, Action.SETTINGS]


# -- content -----------------------------------------------------------------------------------


async def test_words_a_server_refuses_are_neither_asked_nor_answered(scene: Scene) -> None:
    settings = GuildSettings(CLUB, words_refused=("Badger", "sea lion", "禁語"))
    await scene.dialogue.moderators.save_settings(settings, MODERATOR)
    for text in ("a BADGER!", "a ｂａｄｇｅｒ", "bad\u200bger", "two sea lion(s)", "這是禁語嗎"):
        with pytest.raises(ContentRefused):
            await scene.say(text)
    assert scene.endpoint.chats == []
    for text in ("badgers", "forbadger", "seal ion"):
        assert (await scene.say(text)).error is None
    scene.endpoint.say("I once met a badger in the wood.")
    heard = await scene.say("Tell me")
    assert isinstance(heard.error, AnswerRefused)
    assert "badger" not in heard.text
    assert "I once met".startswith(heard.text.strip()[:10])
    assert (await scene.history())[-1] == ("Tell me", heard.text.strip())
    assert (await scene.say("a badger", guild=HALL)).error is None
    scene.endpoint.say("Some badgers live in the wood, and there is nothing wrong with that.")
    whole = await scene.say("Tell me")
    assert whole.text.endswith("wrong with that.")


@pytest.mark.parametrize("cut", range(1, 12))
async def test_a_refused_word_is_found_however_the_stream_is_cut(scene: Scene, cut: int) -> None:
    await scene.dialogue.moderators.save_settings(
        GuildSettings(CLUB, words_refused=("sea lion",)), MODERATOR
    )
    text = "Yesterday a sea lion came by and we all had tea."
    pieces = tuple(text[at : at + cut] for at in range(0, len(text), cut))
    scene.endpoint.then(Reply(pieces=pieces))
    heard = await scene.say("Tell me")
    assert isinstance(heard.error, AnswerRefused)
    assert "sea" not in heard.text


def checked(check: str, **given: object) -> object:
    return replace(SETTINGS, content=ContentSettings(check=check, **given))  # type: ignore[arg-type]


async def test_the_endpoint_is_asked_before_anything_is_sent(tmp_path: Path) -> None:
    async with open_scene(tmp_path, checked("endpoint")) as scene:  # type: ignore[arg-type]
        scene.endpoint.flagged = ("poison",)
        with pytest.raises(ContentRefused):
            await scene.say("how to make poison")
        assert scene.endpoint.chats == []
        scene.endpoint.say("First a sentence that is fine and long enough to be sent. " * 3)
        assert (await scene.say("go on")).error is None
        scene.endpoint.say(
            "This is a long and harmless beginning of an answer that goes on for a while, "
            "so that a first part of it is checked on its own.\nThen take the poison."
        )
        heard = await scene.say("go on")
        assert isinstance(heard.error, AnswerRefused)
        assert heard.text.startswith("This is a long and harmless beginning")
        assert "poison" not in heard.text
        assert "poison" not in str(await scene.history())


async def test_where_the_check_fails_nothing_goes_on(tmp_path: Path) -> None:
    async with open_scene(tmp_path, checked("endpoint", timeout_s=2.0)) as scene:  # type: ignore[arg-type]
        scene.endpoint.moderation_fails = True
        with pytest.raises(CheckUnavailable):
            await scene.say("hello")
        assert scene.endpoint.chats == []
        with pytest.raises(CheckUnavailable):
            await scene.dialogue.content.spoken("say this", None)


async def test_a_server_can_ask_for_the_check_where_the_owner_does_not(scene: Scene) -> None:
    scene.endpoint.flagged = ("poison",)
    await scene.dialogue.moderators.save_settings(
        GuildSettings(CLUB, check_content=True), MODERATOR
    )
    with pytest.raises(ContentRefused):
        await scene.say("poison")
    assert (await scene.say("poison", guild=HALL)).error is None


async def test_the_owners_words_hold_everywhere_also_in_speech(tmp_path: Path) -> None:
    async with open_scene(tmp_path, checked("words", words=("badger",))) as scene:  # type: ignore[arg-type]
        for guild in (CLUB, HALL, 0):
            with pytest.raises(ContentRefused):
                await scene.say("badger", guild=guild)
        with pytest.raises(ContentRefused):
            await scene.dialogue.content.spoken("a badger!", None)
        await scene.dialogue.content.spoken("an otter!", None)


async def test_checked_answers_are_whole(tmp_path: Path) -> None:
    text = "One sentence. Another one? Yes!\n\n```py\nx = 1\n```\n" + "and a long tail " * 80
    async with open_scene(tmp_path, checked("endpoint")) as scene:  # type: ignore[arg-type]
        scene.endpoint.then(Reply(pieces=tuple(text[i : i + 7] for i in range(0, len(text), 7))))
        heard = await scene.say("tell")
        assert heard.text == text
        assert heard.answer.usage is not None
        assert not heard.answer.usage.counted
