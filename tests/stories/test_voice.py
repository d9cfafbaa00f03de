"""Being heard: in the voice channel, as a file, and when things go wrong on the way."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import pairwise

import pytest

from sandbox.actor import Actor
from sandbox.permissions import Permission
from sandbox.records import Message
from sandbox.voice.hearing import HeardFrame
from tests.stories.town import Town, finished, is_voice_message, notes_of, text_of
from tests.support.endpoint import Reply

LONG = " ".join(f"This is sentence number {n}, and it takes a while to say." for n in range(12))


def sound(town: Town, who: Actor) -> list[HeardFrame]:
    """The frames of sound that ``who`` heard."""
    return [frame for frame in who.heard(town.guild).frames if not frame.silence]


def voice_messages(town: Town) -> list[Message]:
    return [m for m in town.said() if any(a.filename.endswith(".ogg") for a in m.attachments)]


async def worker_pids(town: Town) -> list[int]:
    """The processes that speak for this town's bot."""
    health = await town.house.studio.health()
    return [worker.pid for worker in health.workers]


async def quiet(town: Town, who: Actor, for_s: float = 0.6) -> None:
    """Wait until nothing has been heard for a while."""
    clock = town.sandbox.clock

    async def look() -> None:
        while True:
            heard = sound(town, who)
            if heard and clock.real_s() - heard[-1].arrived_s > for_s:
                return
            # Silence makes no event to wait for.
            await asyncio.sleep(0.05)

    await asyncio.wait_for(look(), 60)


async def test_in_a_voice_session_the_answer_is_heard_while_it_is_written(town: Town) -> None:
    await town.joined(town.amy)
    await town.ben.join_voice(town.lounge)
    town.endpoint.say("Good morning. " + "The harbour is calm today. " * 4, pace_s=0.12)
    asked = await town.amy.command("chat", text="How is it?")
    await town.until(lambda: sound(town, town.ben))
    assert finished(asked) is None, "the first sentence is heard before the last is written"
    answer = await town.until(lambda: finished(asked))
    await quiet(town, town.amy)
    statistics = town.amy.heard(town.guild).statistics()
    assert statistics.frames > 150
    assert statistics.unheard == 0
    assert statistics.lost == 0
    assert not voice_messages(town)
    assert not notes_of(answer)


async def test_outside_of_voice_the_answer_comes_as_a_voice_message_after_the_text(
    town: Town,
) -> None:
    answer = await town.chat(town.amy, "Hello.")
    (message,) = await town.until(lambda: voice_messages(town))
    assert is_voice_message(message)
    assert not message.content
    assert message.id > answer.id
    (audio,) = message.attachments
    assert audio.duration_s == pytest.approx(1.5, abs=1)
    assert audio.waveform
    assert audio.data.startswith(b"OggS")


async def test_where_voice_messages_are_not_allowed_it_is_a_plain_file(town: Town) -> None:
    me = town.sandbox.bot
    town.owner.moderate.overwrite(town.general, me, deny=Permission.SEND_VOICE_MESSAGES)
    await town.chat(town.amy, "Hello.")
    (message,) = await town.until(lambda: voice_messages(town))
    assert not is_voice_message(message)
    assert message.attachments[0].filename == "reply.ogg"


async def test_where_no_file_may_be_attached_the_text_says_so(town: Town) -> None:
    denied = Permission.SEND_VOICE_MESSAGES | Permission.ATTACH_FILES
    town.owner.moderate.overwrite(town.general, town.sandbox.bot, deny=denied)
    await town.amy.mention_bot(None, "hello")
    (answer,) = await town.answers(1)
    await town.until(lambda: notes_of(answer))
    assert notes_of(answer) == ["I may not attach files here, so my recording stays with me."]


async def test_stop_silences_at_once_and_ends_the_text(town: Town) -> None:
    await town.joined(town.amy)
    town.endpoint.say(LONG)
    asked = await town.amy.command("chat", text="Tell me everything.")
    await town.until(lambda: len(sound(town, town.amy)) > 20)
    pressed_s = town.sandbox.clock.real_s()
    await town.amy.command("stop")
    await town.until(lambda: finished(asked))
    await quiet(town, town.amy)
    assert sound(town, town.amy)[-1].arrived_s - pressed_s < 0.1


async def test_the_stop_button_ends_text_and_sound_for_the_asker_and_for_moderators(
    town: Town,
) -> None:
    await town.joined(town.amy)
    for who, says in ((town.amy, "Stopped."), (town.owner, "Stopped.")):
        town.endpoint.say(LONG, pace_s=0.05)
        asked = await town.amy.command("chat", text="Talk.")
        await town.until(lambda asked=asked: [m for m in asked.messages if m.content])
        refused = await town.ben.click(asked.messages[-1], "Stop")
        assert "Only the person I answered" in await town.told(refused)
        pressed = await who.click(asked.messages[-1], "Stop")
        assert await town.told(pressed) == says
        answer = await town.until(lambda asked=asked: finished(asked))
        assert notes_of(answer)[0] == "Stopped."
        assert LONG.startswith(text_of(answer).strip())
    remembered = town.endpoint.chats[-1].messages
    assert any(LONG.startswith(str(m["content"])) for m in remembered if m["role"] == "assistant")


async def test_replies_in_one_channel_follow_each_other_and_none_is_dropped(town: Town) -> None:
    await town.joined(town.amy)
    await town.joined(town.ben)
    town.endpoint.otherwise = lambda request: Reply("One two three four five six seven.")
    asked = [
        await who.command("chat", text=f"{n}") for n in range(2) for who in (town.amy, town.ben)
    ]
    await town.until(lambda: all(finished(each) for each in asked))
    await town.until(lambda: len(sound(town, town.amy)) > 4 * 80)
    await quiet(town, town.amy)
    spurts = town.amy.heard(town.guild).spurts()
    lengths = [sum(not frame.silence for frame in spurt) for spurt in spurts]
    assert len(lengths) == 4
    assert min(lengths) > 0.8 * max(lengths), "each was heard whole"
    assert all(a[-1].arrived_s < b[0].arrived_s for a, b in pairwise(spurts))
    assert not [note for each in asked for m in each.messages for note in notes_of(m)]


async def test_say_speaks_and_skip_skips(town: Town) -> None:
    refused = await town.amy.command("say", text="Hello.")
    assert "no voice session" in await town.told(refused)
    await town.joined(town.amy)
    refused = await town.amy.command("say", text="( ) \u200b ( )")
    assert "nothing in it that can be said" in await town.told(refused)
    assert await town.told(await town.amy.command("say", text=LONG)) == "I am saying it."
    await town.amy.command("say", text="Short.")
    await town.until(lambda: len(sound(town, town.amy)) > 10)
    refused = await town.ben.command("skip")
    assert "Only the person" in await town.told(refused)
    before = len(sound(town, town.amy))
    pressed_s = town.sandbox.clock.real_s()
    assert await town.told(await town.amy.command("skip")) == "Skipped."
    await town.until(lambda: len(sound(town, town.amy)) > before + 20)
    last = [f for f in sound(town, town.amy)[:-20] if f.spurt < sound(town, town.amy)[-1].spurt][-1]
    assert last.arrived_s - pressed_s < 0.1
    await quiet(town, town.amy)
    assert len(sound(town, town.amy)) < before + 100
    nothing = await town.amy.command("skip")
    assert "not speaking" in await town.told(nothing)


async def test_people_take_turns_and_moderators_may_skip_and_stop_anybody(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.set("speech", queue_person=2)
    await town.start()
    amy, ben = town.amy, town.ben
    await town.joined(amy)
    await town.joined(ben)
    view = lambda: town.house.rooms.player(town.guild.id).view()  # noqa: E731

    async def say(who: Actor) -> str:
        return await town.told(await who.command("say", text=LONG))

    assert await say(amy) == "I am saying it."
    await town.until(lambda: view().speaking == amy.id and sound(town, ben))
    for who in (amy, amy, ben):
        assert await say(who) == "I am saying it."
    assert await say(amy) == "You already have 2 replies waiting to be spoken here."
    assert view().waiting == (ben.id, amy.id, amy.id), "people take turns"
    assert await town.told(await town.owner.command("skip")) == "Skipped."
    await town.until(lambda: view().speaking == ben.id)
    assert "Only the person" in await town.told(await amy.command("skip"))
    assert await town.told(await ben.command("stop")) == "I am silent."
    await town.until(lambda: view().speaking == amy.id)
    assert view().waiting == (amy.id,), "what was not his is left alone"
    assert await town.told(await town.owner.command("stop", everyone=True)) == "I am silent."
    await town.until(lambda: view().speaking is None and not view().waiting)
    await quiet(town, ben)


async def test_a_worker_that_is_killed_costs_no_word(town: Town) -> None:
    await town.joined(town.amy)
    assert town.bot is not None
    town.endpoint.otherwise = lambda request: Reply(" ".join(LONG.split(". ")[:2]) + ".")
    await town.chat(town.amy, "Once.")
    await quiet(town, town.amy)
    whole = len(sound(town, town.amy))
    asked = await town.amy.command("chat", text="Again.")
    await town.until(lambda: len(sound(town, town.amy)) > whole + 20)
    for pid in await worker_pids(town):
        os.kill(pid, signal.SIGKILL)
    await town.until(lambda: finished(asked))
    await quiet(town, town.amy, 3)
    again = len(sound(town, town.amy)) - whole
    assert again == pytest.approx(whole, rel=0.25)


async def test_sound_that_is_late_is_announced_and_follows(quiet_town: Town) -> None:
    town = quiet_town
    town.set("speech", late_s=0.3)
    await town.start()
    await town.chat(town.amy, "Warm up.")
    await town.until(lambda: voice_messages(town))
    (worker,) = await worker_pids(town)
    os.kill(worker, signal.SIGSTOP)
    try:
        answer = await town.chat(town.amy, "And now?")
        await town.until(lambda: any("on its way" in note for note in notes_of(answer)))
        assert text_of(answer) == "You said: And now?"
    finally:
        os.kill(worker, signal.SIGCONT)
    await town.until(lambda: len(voice_messages(town)) == 2)
    await town.until(lambda: not notes_of(answer))


async def test_the_first_word_waits_for_encryption(town: Town) -> None:
    await town.ben.join_voice(town.lounge)
    town.sandbox.faults.voice.welcome_delay_s = 0.5
    await town.joined(town.amy)
    await town.chat(town.amy, "Hello.")
    await quiet(town, town.amy)
    statistics = town.amy.heard(town.guild).statistics()
    assert statistics.unheard == 0
    assert statistics.frames > 40


@pytest.mark.parametrize("code", [4006, 4014, 4015, 4009, 1006])
async def test_a_voice_connection_that_is_lost_is_mended(town: Town, code: int) -> None:
    await town.joined(town.amy)
    await town.chat(town.amy, "Before.")
    await quiet(town, town.amy)
    faults, me = town.sandbox.faults.voice, town.sandbox.bot.id
    if code == 1006:
        faults.drop(town.guild.id, me)
    else:
        faults.close(town.guild.id, me, code)
    before = len(sound(town, town.amy))
    await town.chat(town.amy, "After.")
    await town.until(lambda: len(sound(town, town.amy)) > before + 30)
    assert town.bot_channel() == town.lounge.id
    status = await town.told(await town.amy.command("voice status"))
    assert "DAVE): on" in status
    assert code == 1006 or f"Last close code: {code}" in status


async def test_where_coming_back_is_refused_the_session_ends_and_status_says_why(
    town: Town,
) -> None:
    await town.joined(town.amy)
    await town.chat(town.amy, "Before.")
    await quiet(town, town.amy)
    town.sandbox.faults.voice.close(town.guild.id, town.sandbox.bot.id, 4021)
    told = await town.until(lambda: [m for m in town.said() if "has ended" in m.content])
    assert "could not connect" in told[0].content
    await town.until(lambda: not town.bot_channel())
    status = await town.told(await town.amy.command("voice status"))
    assert "Not connected" in status
    assert "Last close code: 4021" in status


async def test_a_session_asked_for_as_soon_as_parley_is_online_is_given(quiet_town: Town) -> None:
    town = quiet_town
    await town.amy.join_voice(town.lounge)
    await town.start(wait=False)
    asked = await town.amy.command("voice join")
    assert "I am joining you" in await town.told(asked)
    await town.until(lambda: town.bot_channel() == town.lounge.id)
    await town.chat(town.amy, "Hello.")
    await town.until(lambda: len(sound(town, town.amy)) > 20)


async def test_being_thrown_out_ends_the_session_and_is_told(town: Town) -> None:
    await town.joined(town.amy)
    town.owner.moderate.disconnect(town.guild, town.sandbox.bot)
    told = await town.until(lambda: [m for m in town.said() if "has ended" in m.content])
    assert "disconnected from the voice channel" in told[0].content
    assert not town.bot_channel()
    answer = await town.chat(town.amy, "Are you there?")
    assert text_of(answer) == "You said: Are you there?"
    assert "Your turn in voice has ended" in await town.told(
        await town.amy.command("say", text="Hello.")
    )


async def test_leaving_gives_the_slot_back_and_parley_goes(town: Town) -> None:
    await town.joined(town.amy)
    assert "has ended" in await town.told(await town.amy.command("voice leave"))
    await town.until(lambda: not town.bot_channel())
    assert "no voice session" in await town.told(await town.amy.command("voice leave"))


async def test_parley_says_which_permission_it_lacks(town: Town) -> None:
    town.owner.moderate.overwrite(town.lounge, town.sandbox.bot, deny=Permission.SPEAK)
    await town.amy.join_voice(town.lounge)
    told = await town.told(await town.amy.command("voice join"))
    assert "I lack: Speak" in told
    assert "Missing permissions" in await town.told(await town.amy.command("voice status"))
