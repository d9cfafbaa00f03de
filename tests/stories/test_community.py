"""Memory people can see, and what they can do about it."""

from __future__ import annotations

import asyncio

from tests.stories.community import NO, confirmed, made, private, told
from tests.stories.town import Town
from tests.support.endpoint import Reply, Request


async def test_memory_shows_its_gauge_and_what_is_in_it_here_and_nowhere_else(town: Town) -> None:
    empty = await told(town, town.amy, "memory show")
    assert "of 2000 tokens" in empty
    assert "remember nothing" in empty
    await town.chat(town.amy, "What is the tide?")
    shown = await told(town, town.amy, "memory show")
    assert "1 turn in mind" in shown
    assert "What is the tide?" in shown
    assert "Nothing was trimmed" in shown
    assert "tide" not in await told(town, town.ben, "memory show")
    assert "remember nothing" in await told(town, town.amy, "memory show", where=town.amy.direct)


async def test_what_no_longer_fits_is_said_to_be_trimmed(quiet_town: Town) -> None:
    town = quiet_town
    town.set("memory", budget_tokens=400)
    await town.start()
    for n in range(4):
        town.endpoint.say(f"answer {n} " + "sea " * 60)
        await town.chat(town.amy, f"question {n} " + "tide " * 60)
    shown = await told(town, town.amy, "memory show")
    assert "no longer fit" in shown
    assert "question 3" in shown
    assert "question 0" not in shown
    assert "question 0" not in str(town.endpoint.chats[-1].messages)


async def test_a_summary_of_what_left_is_shown_to_its_owner(quiet_town: Town) -> None:
    town = quiet_town
    town.set("memory", budget_tokens=400, summary=True, summary_tokens=40)
    await town.start()

    def answering(request: Request) -> Reply:
        summing = "Summarise" in request.messages[0]["content"]
        return Reply("They asked about tides." if summing else "sea " * 60)

    town.endpoint.otherwise = answering
    for n in range(4):
        await town.chat(town.amy, f"question {n} " + "tide " * 60)
    await town.endpoint.until(
        lambda endpoint: any("Summarise" in str(each.messages) for each in endpoint.chats)
    )
    if busy := town.house.dialogue.responder.busy:
        await asyncio.wait(busy)
    shown = await told(town, town.amy, "memory show")
    assert "is summed up" in shown
    assert "> They asked about tides." in shown


async def test_undo_takes_back_the_last_turn_only(town: Town) -> None:
    await town.chat(town.amy, "My cat is called Tom.")
    await town.chat(town.amy, "My dog is called Rex.")
    assert "Rex" in await told(town, town.amy, "memory undo")
    await town.chat(town.amy, "Who are my pets?")
    sent = str(town.endpoint.chats[-1].messages)
    assert "Tom" in sent
    assert "Rex" not in sent
    await told(town, town.amy, "memory undo")
    await told(town, town.amy, "memory undo")
    assert "nothing to take back" in await told(town, town.amy, "memory undo")


async def test_a_pinned_turn_stays_while_others_leave(quiet_town: Town) -> None:
    town = quiet_town
    town.set("memory", budget_tokens=500)
    await town.start()
    await town.chat(town.amy, "My cat is called Tom.")
    (choice,) = await town.amy.autocomplete("memory pin", "turn", "cat")
    assert "Pinned" in await told(town, town.amy, "memory pin", turn=choice["value"])
    assert await town.ben.autocomplete("memory pin", "turn", "") == []
    assert "no longer" in await told(town, town.ben, "memory pin", turn=choice["value"])
    for n in range(4):
        await town.chat(town.amy, f"question {n} " + "tide " * 60)
    assert "My cat is called Tom." in str(town.endpoint.chats[-1].messages)
    assert "Unpinned" in await told(town, town.amy, "memory pin", turn=choice["value"])
    assert "no longer" in await told(town, town.amy, "memory pin", turn="nonsense")


async def test_clear_asks_first_and_keeps_the_persona(town: Town) -> None:
    await made(town, town.amy, "Pirate", "Say arr.")
    await told(town, town.amy, "persona set", name="Pirate")
    await town.chat(town.amy, "My cat is called Tom.")
    assert "Nothing was changed" in await confirmed(town, town.amy, "memory clear", NO)
    assert "Tom" in await told(town, town.amy, "memory show")
    assert "Forgotten: 1 turn." in await confirmed(town, town.amy, "memory clear")
    await town.chat(town.amy, "Hello again.")
    sent = str(town.endpoint.chats[-1].messages)
    assert "Tom" not in sent
    assert "Say arr." in sent


async def test_nobody_else_can_answer_the_question(town: Town) -> None:
    question = await private(town, await town.amy.command("memory clear"))
    assert question.visible_to == town.amy.id


async def test_usage_says_what_is_left_and_the_owner_sees_the_cost(quiet_town: Town) -> None:
    town = quiet_town
    town.set("quota", tokens_per_day=5000, spoken_s_per_day=60.0)
    await town.start()
    await town.chat(town.amy, "Hello!")
    mine = await told(town, town.amy, "usage")
    assert "1 answers" in mine
    assert "of 5000" in mine
    assert "Renews <t:" in mine
    assert "All of you together" not in mine
    assert "All of you together" in await told(town, town.owner, "usage")
    assert "0 answers" in await told(town, town.amy, "usage", where=town.amy.direct)
