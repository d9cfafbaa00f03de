"""Who Parley is: for one person, for a channel, for a role, for a server."""

from __future__ import annotations

import pytest

from dialogue.personas import GUILD_MOST, NAME_CHARACTERS
from sandbox.errors import NotOffered
from sandbox.permissions import Permission
from tests.stories.community import made, system_prompt, told
from tests.stories.town import Town, labels
from tests.support.endpoint import Reply


async def test_a_persona_of_ones_own_in_a_server_and_in_direct_messages(town: Town) -> None:
    amy = town.amy
    assert "as my owner made me" in await told(town, amy, "persona show")
    assert "Saved: Pirate" in await made(town, amy, "Pirate", "Say arr.", speed="1.5")
    names = [choice["name"] for choice in await amy.autocomplete("persona set", "name", "pir")]
    assert names == ["Pirate"]
    assert "You talk with Pirate" in await told(town, amy, "persona set", name="pirate")
    shown = await told(town, amy, "persona show")
    assert "Say arr." in shown
    assert "1.5" in shown
    assert await system_prompt(town, amy) == "Say arr."
    assert "friendly companion" in await system_prompt(town, town.ben)
    assert "friendly companion" in await system_prompt(town, amy, where=amy.direct)
    assert "usual persona" in await told(town, amy, "persona clear")
    assert "friendly companion" in await system_prompt(town, amy)

    form = await amy.command("persona make", where=amy.direct)
    saved = await amy.submit(form, {"Name": "Nurse", "Prompt: who I am and how I talk": "Care."})
    assert "Saved: Nurse" in await town.told(saved)
    await told(town, amy, "persona set", name="Nurse", where=amy.direct)
    assert await system_prompt(town, amy, where=amy.direct) == "Care."


async def test_what_cannot_be_a_persona_is_refused_with_a_reason(town: Town) -> None:
    amy = town.amy
    assert "between 0.5 and 2" in await made(town, amy, "Pirate", "Say arr.", speed="fast")
    assert "between 0.5 and 2" in await made(town, amy, "Pirate", "Say arr.", speed="9")
    assert "no voice called Nobody" in await made(town, amy, "Pirate", "Say arr.", voice="Nobody")
    assert "A name has" in await made(town, amy, "***", "Say arr.")
    assert "too long" in await made(town, amy, "Pirate", "Say arr. " * 400)
    assert "no persona of that name" in await told(town, amy, "persona set", name="Pirate")
    assert "no persona of that name" in await told(town, amy, "persona delete", name="Pirate")
    assert "no personas" in await told(town, amy, "persona list")


async def test_the_servers_personas_are_its_moderators_business(town: Town) -> None:
    amy, owner = town.amy, town.owner
    refused = await amy.command("persona make", level="server")
    assert refused.modal is None
    assert "Only moderators" in await town.told(refused)
    assert "Saved: Guide" in await made(town, owner, "Guide", "Guide them.", level="server")
    assert "Guide** (the server's)" in await told(town, amy, "persona list")
    refusal = await told(town, amy, "persona delete", name="Guide", level="server")
    assert "Only moderators" in refusal
    assert "no persona of that name" in await told(town, amy, "persona delete", name="Guide")
    with pytest.raises(NotOffered):
        await amy.command("mod persona-default", persona="Guide")

    await told(town, owner, "mod persona-default", persona="Guide")
    assert await system_prompt(town, amy) == "Guide them."
    assert "Deleted: Guide" in await told(
        town, owner, "persona delete", name="Guide", level="server"
    )
    assert "friendly companion" in await system_prompt(town, amy)
    log = await told(town, owner, "mod log")
    assert "saved a persona" in log
    assert "changed the default persona" in log
    assert "deleted a persona" in log
    assert "Guide them" not in log


async def test_defaults_by_channel_and_role_and_the_lock(town: Town) -> None:
    sandbox, owner, amy = town.sandbox, town.owner, town.amy
    sailors = sandbox.add_role(town.guild, "sailors", Permission(0))
    cat = sandbox.add_member(town.guild, "cat", roles=(sailors,))
    den = sandbox.add_text_channel(town.guild, "chess")
    for name, prompt in (("Guide", "Guide."), ("Mate", "Ahoy."), ("Master", "Check.")):
        await made(town, owner, name, prompt, level="server")
    await told(town, owner, "mod persona-default", persona="Guide")
    await told(town, owner, "mod persona-default", persona="Mate", role=sailors)
    await told(town, owner, "mod persona-default", persona="Master", channel=den)
    assert await system_prompt(town, amy) == "Guide."
    assert await system_prompt(town, cat) == "Ahoy."
    assert await system_prompt(town, cat, where=den) == "Check."

    await made(town, amy, "Pirate", "Say arr.")
    await told(town, amy, "persona set", name="Pirate")
    assert await system_prompt(town, amy) == "Say arr."
    assert "locked" in await told(town, owner, "mod persona-lock", locked=True)
    assert await system_prompt(town, amy) == "Guide."
    assert "locked the persona" in await told(town, amy, "persona set", name="Pirate")
    assert "locked the persona" in await told(town, amy, "persona list")
    await told(town, owner, "mod persona-lock", locked=False)
    assert await system_prompt(town, amy) == "Say arr."
    assert "has no default" in await told(town, owner, "mod persona-default")


async def test_what_one_channel_allows_gives_no_power_over_the_servers_personas(
    town: Town,
) -> None:
    amy, moderate = town.amy, town.owner.moderate
    allowed = Permission.MANAGE_MESSAGES | Permission.MUTE_MEMBERS | Permission.MANAGE_GUILD
    moderate.overwrite(town.general, amy.user, allow=allowed)
    await made(town, town.owner, "Guide", "Guide them.", level="server")
    assert "Only moderators" in await town.told(await amy.command("persona make", level="server"))
    refusal = await told(town, amy, "persona delete", name="Guide", level="server")
    assert "Only moderators" in refusal
    refusal = await told(town, amy, "dict add", word="a", spoken="b", level="guild")
    assert "for people who may manage the server" in refusal
    # What is being written and said in that channel they may stop.
    town.endpoint.then(Reply("Slow.", ending="hold"))
    asked = await town.ben.command("chat", text="Talk.")
    growing = await town.until(lambda: [m for m in asked.messages if "Stop" in labels(m)])
    assert "Stopped." in await town.told(await amy.click(growing[0], "Stop"))
    # A role of the server's allows both.
    role = town.sandbox.add_role(town.guild, "keepers", Permission.MANAGE_MESSAGES)
    moderate.give_role(town.guild, amy.user, role)
    assert "Saved: Mate" in await made(town, amy, "Mate", "Ahoy.", level="server")


async def test_a_long_list_of_personas_fits_into_one_message(town: Town) -> None:
    personas = town.house.dialogue.personas
    for n in range(GUILD_MOST):
        name = f"{n} ".ljust(NAME_CHARACTERS, "x")
        await personas.save(town.owner.id, town.guild.id, name, "x", for_guild=True)
    await told(town, town.owner, "mod persona-lock", locked=True)
    shown = await told(town, town.amy, "persona list")
    assert 1900 < len(shown) <= 2000
    assert shown.startswith("The moderators of this server have locked the persona.")
    assert shown.endswith("\n\u2026")
