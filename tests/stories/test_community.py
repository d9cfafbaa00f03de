"""Memory people can see, and what they can do about it."""

from __future__ import annotations

from tests.stories.town import Town


async def test_memory_shows_its_gauge_and_what_is_in_it(town: Town) -> None:
    empty = await town.told(await town.amy.command("memory show"))
    assert "of 2000 tokens" in empty
    assert "remember nothing" in empty
    await town.chat(town.amy, "What is the tide?")
    shown = await town.told(await town.amy.command("memory show"))
    assert "1 turn in mind" in shown
    assert "What is the tide?" in shown
    assert "Nothing was trimmed" in shown
    bens = await town.told(await town.ben.command("memory show"))
    assert "tide" not in bens
    direct = await town.told(await town.amy.command("memory show", where=town.amy.direct))
    assert "remember nothing" in direct
