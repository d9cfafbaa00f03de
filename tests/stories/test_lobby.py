"""Ten voice sessions and a line, over real voice connections, in compressed time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sandbox.actor import Actor
from sandbox.permissions import Permission
from sandbox.records import Channel, Guild, Message
from tests.stories.community import private
from tests.stories.test_voice import sound, voice_messages
from tests.stories.town import DONE_S, Town, finished, labels, text_of


def harbour(town: Town, name: str) -> tuple[Guild, Channel, Channel, Actor]:
    """Another server with Parley in it, its channels, and somebody who lives there."""
    guild = town.sandbox.add_guild(name, text=("talk",), voice=("room",))
    who = town.sandbox.add_member(guild, f"from {name}")
    return guild, town.sandbox.channel(guild, "talk"), town.sandbox.channel(guild, "room"), who


async def told(town: Town, where: Channel, words: str) -> Message:
    """A message of Parley's with these words, once it is there."""
    return await town.until(lambda: next((m for m in town.said(where) if words in m.content), None))


async def told_by(town: Town, who: Actor) -> str:
    """What a command answers after everything before it was done."""
    return await town.told(await who.command("voice status"))


def parley_in(town: Town, guild: Guild) -> Callable[[], bool]:
    return lambda: town.sandbox.bot.id in guild.voice_states


async def test_the_next_in_line_is_joined_and_told_when_a_slot_frees(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", slots=1)
    guild, talk, room, dan = harbour(town, "Haven")
    await town.start()
    await town.joined(town.amy)
    await dan.join_voice(room)
    answer = await town.told(await dan.command("voice join"))
    assert "at place 1" in answer
    assert not parley_in(town, guild)()
    asked = await dan.command("chat", text="Do I hear you?")
    assert text_of(await town.until(lambda: finished(asked))) == "You said: Do I hear you?"
    await town.amy.command("voice leave")
    started = await told(town, talk, "It is your turn")
    assert dan.mention in started.content
    await town.until(parley_in(town, guild))
    await dan.command("chat", text="And now?")
    await town.until(lambda: dan.heard(guild).frames)
    assert not town.bot_channel()


async def test_whoever_is_not_in_voice_is_pinged_and_the_next_goes_if_they_do_not_come(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("lobby", slots=1, claim_s=1.5)
    guild, _, room, dan = harbour(town, "Haven")
    await town.start()
    await town.joined(town.amy)
    assert "at place 1" in await town.told(await town.ben.command("voice join"))
    await dan.join_voice(room)
    assert "at place 2" in await town.told(await dan.command("voice join"))
    await town.amy.command("voice leave")
    called = await told(town, town.general, "It is your turn! Come into a voice channel")
    assert town.ben.id in called.pinged
    await told(town, town.general, "did not come in time")
    await town.until(parley_in(town, guild))


async def test_silence_ends_a_session_after_a_warning_and_a_button_queues_again(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("lobby", idle_s=4.0, warning_s=2.0)
    await town.start()
    await town.joined(town.amy)
    await told(town, town.general, "ends in 2 s unless you talk")
    await town.chat(town.amy, "I am here.")
    ended = await told(town, town.general, "Your voice session has ended")
    assert labels(ended) == ["Queue again"]
    await town.until(lambda: not town.bot_channel())
    warnings = [m for m in town.said() if "unless you talk" in m.content]
    assert len(warnings) == 2, "talking put it off once"
    refused = await town.ben.click(ended, "Queue again")
    assert "for somebody else" in await town.told(refused)
    await town.amy.click(ended, "Queue again")
    await town.until(lambda: town.bot_channel() == town.lounge.id)


async def test_an_evicted_person_is_answered_in_text_and_never_heard(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", idle_s=1.5, warning_s=0.5)
    await town.start()
    await town.ben.join_voice(town.lounge)
    await town.joined(town.amy)
    await told(town, town.general, "Your voice session has ended")
    await town.joined(town.ben)
    before = len(sound(town, town.amy))
    answer = await town.chat(town.amy, "Am I still heard?")
    assert text_of(answer) == "You said: Am I still heard?"
    await town.until(lambda: voice_messages(town))
    assert len(sound(town, town.amy)) == before
    refused = await town.told(await town.amy.command("say", text="Hello?"))
    assert "turn in voice has ended" in refused


async def test_asking_again_elsewhere_offers_to_move_here(town: Town) -> None:
    await town.joined(town.amy)
    await town.amy.join_voice(town.den)
    asked = await town.amy.command("voice join")
    assert "already have a voice session" in await town.told(asked)
    (offer,) = asked.messages
    assert labels(offer) == ["Move here"]
    await town.amy.click(offer, "Move here")
    await town.until(lambda: town.bot_channel() == town.den.id)
    await town.chat(town.amy, "Do I hear you here?")
    await town.until(lambda: sound(town, town.amy))


async def test_asking_again_in_another_server_says_where_the_session_is(town: Town) -> None:
    guild, talk, room, _ = harbour(town, "Haven")
    town.amy.join(guild)
    await town.joined(town.amy)
    await town.amy.join_voice(room)
    asked = await town.amy.command("voice join", where=talk)
    assert f"in <#{town.lounge.id}>" in await town.told(asked)
    assert not parley_in(town, guild)()
    (offer,) = asked.messages
    await town.amy.click(offer, "Move here")
    await town.until(parley_in(town, guild))
    await town.until(lambda: not town.bot_channel())
    await town.amy.command("say", where=talk, text="Here I am.")
    await town.until(lambda: town.amy.heard(guild).frames)


async def test_who_is_in_another_channel_waits_for_the_voice_and_holds_up_nobody(
    town: Town,
) -> None:
    guild, _, room, dan = harbour(town, "Haven")
    cat = town.sandbox.add_member(town.guild, "cat")
    await town.joined(town.amy)
    await town.ben.join_voice(town.den)
    answer = await town.told(await town.ben.command("voice join"))
    assert "at place 1. I am speaking in another channel" in answer
    await dan.join_voice(room)
    assert "I am joining you" in await town.told(await dan.command("voice join"))
    await cat.join_voice(town.lounge)
    assert "I am joining you" in await town.told(await cat.command("voice join"))
    await town.amy.command("voice leave")
    assert "at place 1" in await town.told(await town.ben.command("voice join"))
    assert town.bot_channel() == town.lounge.id
    await cat.command("voice leave")
    await told(town, town.general, f"{town.ben.mention} It is your turn: I have joined you in")
    assert town.bot_channel() == town.den.id
    assert parley_in(town, guild)()


async def test_leaving_the_channel_gives_the_slot_back_after_a_grace(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", grace_s=0.6)
    await town.start()
    await town.joined(town.amy)
    await town.amy.leave_voice()
    await town.amy.join_voice(town.lounge)
    await town.chat(town.amy, "A short break.")
    assert town.bot_channel() == town.lounge.id
    await town.amy.leave_voice()
    await told(town, town.general, "You left the voice channel")
    await town.until(lambda: not town.bot_channel())


async def test_a_session_goes_on_after_a_restart(town: Town) -> None:
    await town.joined(town.amy)
    await town.restart()
    await town.until(lambda: town.bot_channel() == town.lounge.id)
    await told(town, town.general, "I am back")
    await town.chat(town.amy, "Where were we?")
    await town.until(lambda: sound(town, town.amy))


async def test_an_outage_that_is_too_long_ends_sessions_once_and_the_line_goes_on(
    quiet_town: Town,
) -> None:
    town, faults = quiet_town, quiet_town.sandbox.faults
    town.set("lobby", slots=1, resume_s=0.3)
    await town.start()
    await town.joined(town.amy)
    await town.ben.join_voice(town.lounge)
    assert "at place 1" in await town.told(await town.ben.command("voice join"))
    faults.refuse_identify(code=4000, times=2)
    await faults.drop_gateway(resumable=False)
    await town.sandbox.until_online(DONE_S)
    await told(town, town.general, f"{town.ben.mention} It is your turn")
    await town.until(lambda: town.bot_channel() == town.lounge.id)
    ended = [m.content for m in town.said() if "has ended" in m.content]
    assert ended == [f"{town.amy.mention} Your voice session has ended. I was away for too long."]
    await town.ben.command("say", text="Here I am.")
    await town.until(lambda: sound(town, town.ben))


async def test_muted_parley_answers_in_text_and_says_so(town: Town) -> None:
    await town.joined(town.amy)
    town.owner.moderate.mute(town.guild, town.sandbox.bot)
    await told(town, town.general, "I was muted here")
    await town.chat(town.amy, "Quietly?")
    await town.until(lambda: voice_messages(town))
    assert not sound(town, town.amy)
    town.owner.moderate.mute(town.guild, town.sandbox.bot, on=False)
    await told(town, town.general, "I can be heard again")
    await town.chat(town.amy, "Aloud?")
    await town.until(lambda: sound(town, town.amy))


async def test_the_world_ends_sessions_and_everybody_is_told(town: Town) -> None:
    await town.joined(town.amy)
    town.owner.moderate.delete_channel(town.lounge)
    await told(town, town.general, "The voice channel was deleted")
    await town.joined(town.ben, town.den)
    town.owner.moderate.overwrite(town.den, town.sandbox.bot, deny=Permission.SPEAK)
    await told(town, town.general, "I may not speak in that voice channel")
    await town.until(lambda: not town.bot_channel())
    guild, _, room, dan = harbour(town, "Haven")
    await dan.join_voice(room)
    await dan.command("voice join")
    await town.until(parley_in(town, guild))
    town.sandbox.owner(guild).moderate.kick(guild, town.sandbox.bot)
    await town.until(lambda: town.house.director.standing(dan.id).stage is None)


async def test_whoever_follows_a_parley_that_was_moved_keeps_the_session(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", grace_s=3.0)
    await town.start()
    await town.joined(town.amy)
    await town.joined(town.ben)
    await town.ben.command("say", text="Hello.")
    await town.until(lambda: sound(town, town.amy))  # so it is not about to arrive any more
    town.owner.moderate.move(town.guild, town.sandbox.bot, town.den)
    for who in (town.amy, town.ben):
        await told(town, town.general, f"{who.mention} I was moved to <#{town.den.id}>")
    await town.amy.join_voice(town.den)
    await told(town, town.general, f"{town.ben.mention} Your voice session has ended. You left")
    before = len(sound(town, town.amy))
    await town.amy.command("say", text="Here I am.")
    await town.until(lambda: len(sound(town, town.amy)) > before)
    assert town.bot_channel() == town.den.id


async def test_a_channel_without_room_or_a_member_without_a_server_frees_the_slot(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("lobby", slots=1)
    nook = town.sandbox.add_voice_channel(town.guild, "nook", user_limit=1)
    town.owner.moderate.overwrite(nook, town.sandbox.bot, deny=Permission.MOVE_MEMBERS)
    await town.start()
    await town.joined(town.ben)
    await town.amy.join_voice(nook)
    assert "at place 1" in await town.told(await town.amy.command("voice join"))
    cat = town.sandbox.add_member(town.guild, "cat")
    await cat.join_voice(town.lounge)
    assert "at place 2" in await town.told(await cat.command("voice join"))
    await town.ben.command("voice leave")
    await told(town, town.general, f"{town.amy.mention} Your voice session has ended. The voice ch")
    await told(town, town.general, f"{cat.mention} It is your turn")
    assert not [m for m in town.said() if f"{town.amy.mention} It is your turn" in m.content]
    town.owner.moderate.ban(town.guild, cat)
    await town.until(lambda: not town.bot_channel())
    await town.until(lambda: town.house.director.standing(cat.id).stage is None)


async def test_queue_shows_the_line_and_updates_itself(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", slots=1)
    await town.start()
    asked = await town.ben.command("queue")
    board = await town.until(lambda: next((m for m in asked.messages if m.content), None))
    assert "0 of 1 in use" in board.content
    assert labels(board) == ["Join", "Refresh"]
    await town.joined(town.amy)
    await town.until(lambda: "1 of 1 in use" in board.content)
    assert town.amy.mention in board.content
    await town.ben.join_voice(town.lounge)
    await town.ben.click(board, "Join")
    await town.until(lambda: "In the line: 1" in board.content)
    assert labels(board) == ["Leave", "Refresh"]
    await town.ben.click(board, "Leave")
    await town.until(lambda: "Nobody is waiting" in board.content)
    await town.ben.click(board, "Refresh")


async def test_an_open_queue_closes_before_its_token_dies_and_refresh_opens_it_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.queue_view.OPEN_S", 0.5)
    asked = await town.ben.command("queue")
    board = await private(town, asked)
    await town.until(lambda: "no longer updates itself" in board.content)
    assert "0 of 10 in use" in board.content
    edits = len(board.versions)
    await town.joined(town.amy)
    await told_by(town, town.amy)
    assert len(board.versions) == edits, "a closed one is left alone"
    monkeypatch.undo()
    await town.ben.click(board, "Refresh")
    await town.until(lambda: "1 of 10 in use" in board.content)
    assert "no longer" not in board.content
    await town.amy.command("voice leave")
    await town.until(lambda: "0 of 10 in use" in board.content)


async def test_limits_of_a_server_change_who_is_admitted(town: Town) -> None:
    vip = town.sandbox.add_role(town.guild, "sailors", Permission(0))
    cat = town.sandbox.add_member(town.guild, "cat", roles=[vip])
    limits = await town.told(await town.owner.command("mod limits", sessions=1, priority_role=vip))
    assert f"Priority roles: <@&{vip.id}>" in limits
    await town.joined(town.amy)
    for who in (town.ben, cat):
        await who.join_voice(town.lounge)
    answer = await town.told(await town.ben.command("voice join"))
    assert "at place 1. All voice sessions of that server are in use" in answer
    assert "at place 1" in await town.told(await cat.command("voice join"))  # her role goes first
    await town.owner.command("mod limits", sessions=2, reserved=1)
    await told(town, town.general, f"{cat.mention} It is your turn")
    assert "at place 1" in await town.told(await town.ben.command("voice join"))
    await cat.command("voice leave")
    # A seat is free, and kept for the role: an ordinary session has to end first.
    assert "at place 1" in await town.told(await town.ben.command("voice join"))
    await town.amy.command("voice leave")
    await told(town, town.general, f"{town.ben.mention} It is your turn")
    idle = await town.told(await town.owner.command("mod limits", idle_s=1))
    assert "without a message: 1 s" in idle
    await told(town, town.general, f"{town.ben.mention} Your voice session has ended. You did not")


async def test_moderators_see_and_end_sessions_and_set_limits(town: Town) -> None:
    await town.joined(town.amy)
    listed = await town.told(await town.owner.command("mod sessions"))
    assert town.amy.mention in listed
    limits = await town.told(await town.owner.command("mod limits", sessions=1))
    assert "Voice sessions at once: 1" in limits
    await town.ben.join_voice(town.lounge)
    assert "in the line" in await town.told(await town.ben.command("voice join"))
    await town.owner.command("mod end-session", member=town.amy)
    await told(town, town.general, "A moderator ended it")
    await told(town, town.general, "It is your turn")


async def test_fifteen_people_ten_slots_nobody_lost(quiet_town: Town) -> None:
    """Ten servers: each its own connection. Five more people wait, and follow in order."""
    town = quiet_town
    town.set("lobby", slots=10, line_most=20)
    places = [harbour(town, f"Port {n}") for n in range(15)]
    await town.start()
    for _, _, room, who in places:
        await who.join_voice(room)
    for _, _, _, who in places:
        await who.command("voice join")
    view = town.house.director.view
    await town.until(lambda: len(view().speaking) == 10 and len(view().line) == 5)
    await town.until(lambda: sum(parley_in(town, place[0])() for place in places) == 10)
    waiting = [each.person_id for each in view().line]
    assert waiting == [place[3].id for place in places[10:]]
    asked = [await who.command("chat", text="All at once!") for *_, who in places]
    await town.until(lambda: all(finished(each) for each in asked))
    await town.until(lambda: all(who.heard(guild).frames for guild, _, _, who in places[:10]))
    assert not any(who.heard(guild).frames for guild, _, _, who in places[10:])
    await asyncio.gather(*(who.command("voice leave") for *_, who in places[:5]))
    await town.until(lambda: len(view().speaking) == 10 and not view().line)
    for guild, talk, _, who in places[10:]:
        await told(town, talk, f"{who.mention} It is your turn")
        await town.until(parley_in(town, guild))
    assert len({each.person_id for each in view().speaking}) == 10
