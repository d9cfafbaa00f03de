"""Regenerate and Speak: for the asker alone, in place, and after a restart too."""

from __future__ import annotations

from tests.stories.test_voice import quiet, sound, voice_messages
from tests.stories.town import Town, finished, labels, text_of
from tests.support.endpoint import REFUSALS


async def test_regenerate_answers_again_and_replaces_the_turn(town: Town) -> None:
    town.endpoint.say("The first thought.")
    first = await town.chat(town.amy, "What is it?")
    town.endpoint.say("A better thought.")
    pressed = await town.amy.click(first, "Regenerate")
    second = await town.until(lambda: finished(pressed))
    assert text_of(second) == "A better thought."
    await town.until(lambda: not labels(first))
    assert [m["content"] for m in town.endpoint.chats[1].messages[1:]] == ["What is it?"]
    await town.chat(town.amy, "And then?")
    remembered = [m["content"] for m in town.endpoint.chats[2].messages[1:]]
    assert remembered == ["What is it?", "A better thought.", "And then?"]


async def test_an_answer_that_could_not_be_given_again_keeps_its_buttons(town: Town) -> None:
    answer = await town.chat(town.amy, "What is it?")
    town.endpoint.then(REFUSALS["server"])
    pressed = await town.amy.click(answer, "Regenerate")
    assert "fault of its own" in await town.told(pressed)
    await town.until(lambda: labels(answer) == ["Regenerate", "Speak"])
    pressed = await town.amy.click(answer, "Regenerate")
    await town.until(lambda: finished(pressed))


async def test_the_buttons_belong_to_the_asker(town: Town) -> None:
    answer = await town.chat(town.amy, "Mine.")
    for label in ("Regenerate", "Speak"):
        pressed = await town.ben.click(answer, label)
        assert "Only the person I answered" in await town.told(pressed)
    assert len(town.endpoint.chats) == 1


async def test_the_buttons_work_after_a_restart(town: Town) -> None:
    town.endpoint.say("Said before the restart.")
    answer = await town.chat(town.amy, "Remember this.")
    await town.until(lambda: voice_messages(town))
    await town.restart()
    await town.amy.click(answer, "Speak")
    await town.until(lambda: len(voice_messages(town)) == 2)
    town.endpoint.say("Said after it.")
    pressed = await town.amy.click(answer, "Regenerate")
    assert text_of(await town.until(lambda: finished(pressed))) == "Said after it."


async def test_a_stop_button_from_before_a_restart_says_that_it_is_over(town: Town) -> None:
    town.endpoint.say("word " * 200, pace_s=0.1)
    asked = await town.amy.command("chat", text="Talk.")
    growing = await town.until(lambda: [m for m in asked.messages if m.content])
    await town.stop()
    assert labels(growing[0]) == ["Regenerate", "Speak"], "what was shown was saved on the way out"
    assert "-# Stopped." in growing[0].content


async def test_speak_is_heard_in_voice_and_is_a_file_elsewhere(town: Town) -> None:
    answer = await town.chat(town.amy, "Hello.")
    await town.until(lambda: voice_messages(town))
    await town.joined(town.amy)
    pressed = await town.amy.click(answer, "Speak")
    assert await town.told(pressed) == "I am saying it."
    await town.until(lambda: len(sound(town, town.amy)) > 30)
    await quiet(town, town.amy)
    assert len(voice_messages(town)) == 1


async def test_what_was_forgotten_cannot_be_spoken(town: Town) -> None:
    answer = await town.chat(town.amy, "Forget this.")
    await town.house.dialogue.memory.clear(town.amy.id, town.guild.id)
    pressed = await town.amy.click(answer, "Speak")
    assert "no longer in your memory" in await town.told(pressed)
    pressed = await town.amy.click(answer, "Regenerate")
    assert "no longer in your memory" in await town.told(pressed)
