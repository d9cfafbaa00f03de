"""Removed means removed everywhere, at once: an evicted person is answered in text, never heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.actor import File
from tests.stories.test_lobby import told
from tests.stories.test_voice import LONG, quiet, sound
from tests.stories.town import Town, finished
from tests.support.endpoint import Reply


async def test_no_way_leads_back_to_being_heard_but_the_line(quiet_town: Town) -> None:
    """The house is full again, she never left the channel, and Parley is still there for Ben."""
    town = quiet_town
    town.set("lobby", slots=1)
    await town.start()
    amy, ben = town.amy, town.ben
    await town.joined(amy)
    answer = await town.chat(amy, "Before.")
    await quiet(town, amy)
    await ben.join_voice(town.lounge)
    assert "at place 1" in await town.told(await ben.command("voice join"))

    # Two long texts: one is being heard, the other is made and waits.
    for _ in range(2):
        assert await town.told(await amy.command("say", text=LONG)) == "I am saying it."
    before = len(sound(town, ben))
    await town.until(lambda: len(sound(town, ben)) > before + 20)
    await town.owner.command("mod end-session", member=amy)
    ended_s = town.sandbox.clock.real_s()
    await told(town, town.general, f"{ben.mention} It is your turn")
    await quiet(town, ben)
    assert sound(town, ben)[-1].arrived_s - ended_s < 0.15
    assert town.bot_channel() == town.lounge.id

    silent = len(sound(town, ben))
    town.endpoint.otherwise = lambda request: Reply("You are not heard.")
    said = await town.told(await amy.command("say", text="Hello?"))
    assert "turn in voice has ended" in said
    again = await amy.click(answer, "Regenerate")
    await town.until(lambda: finished(again))
    await town.chat(amy, "And now?")
    count = len(await town.answers(2))
    await amy.mention_bot(None, "And with a mention?")
    mentioned = (await town.answers(count + 1))[-1]
    await amy.say(None, "And with a reply?", reply_to=mentioned)
    await town.answers(count + 2)
    await amy.mention_bot(None, "", attachments=[File("notes.txt", b"And with a file?")])
    answered = (await town.answers(count + 3))[-1]
    pressed = await amy.click(answered, "Speak")
    assert "turn in voice has ended" in await town.told(pressed)
    menu = await amy.menu("Ask Parley", answered)
    await town.until(lambda: finished(menu))
    added = await amy.command("dict add", word="sea", spoken="ocean")
    await town.until(lambda: [m for m in added.messages if m.attachments])
    assert len(sound(town, ben)) == silent

    # Only the line leads back.
    assert "at place 1" in await town.told(await amy.command("voice join"))
    assert "in the line" in await town.told(await amy.command("say", text="Already?"))
    assert len(sound(town, ben)) == silent
    await ben.command("voice leave")
    await told(town, town.general, f"{amy.mention} It is your turn")
    await amy.command("say", text="Here I am.")
    await town.until(lambda: len(sound(town, amy)) > silent)


@pytest.mark.parametrize("way", ["chat", "say"])
async def test_a_turn_that_ends_while_its_speech_is_begun_is_over(
    town: Town, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Between asking whether they may and being queued, a moderator ends it."""
    amy, ben = town.amy, town.ben
    await town.joined(amy)
    await ben.join_voice(town.lounge)
    await ben.command("voice join")
    quotas, director = town.house.dialogue.quotas, town.house.director
    allowed: Callable[..., Awaitable[None]] = quotas.may_speak

    async def slowly(person_id: int, *rest: Any) -> None:
        await allowed(person_id, *rest)
        await director.end(person_id, by_id=town.owner.id)

    monkeypatch.setattr(quotas, "may_speak", slowly)
    town.endpoint.say("Too late for this.")
    if way == "chat":
        await town.chat(amy, "Hello?")
    else:
        said = await town.told(await amy.command("say", text="Hello?"))
        assert "turn in voice has ended" in said
    await told(town, town.general, "A moderator ended it")
    monkeypatch.undo()
    await ben.command("say", text="I am still here.")
    await town.until(lambda: sound(town, ben))
    await quiet(town, ben)
    (spurt,) = [each for each in ben.heard(town.guild).spurts() if any(not f.silence for f in each)]
    assert len(spurt) < 150, "only Ben's words were heard"
