"""Moderators people can trust: every act is within their server, unseen, and on the record."""

from __future__ import annotations

import pytest

from sandbox.actor import Actor, File
from sandbox.errors import NotOffered
from sandbox.permissions import Permission
from tests.stories.community import NO, YES, confirmed, private, told
from tests.stories.town import Town

SECRET = "my password is swordfish"


def moderator(town: Town, name: str = "mo") -> Actor:
    """Somebody whom Discord's default lets use /mod."""
    role = town.sandbox.add_role(town.guild, "mods", Permission.MODERATE_MEMBERS)
    return town.sandbox.add_member(town.guild, name, roles=(role,))


async def test_a_members_memory_is_cleared_without_being_seen(town: Town) -> None:
    mo = moderator(town)
    await town.chat(town.amy, SECRET)
    await town.chat(town.ben, "I like boats.")
    assert "Nothing was changed" in await confirmed(
        town, mo, "mod clear-memory", NO, member=town.amy.user
    )
    assert "swordfish" in await told(town, town.amy, "memory show")
    done = await confirmed(town, mo, "mod clear-memory", member=town.amy.user)
    assert "Cleared: 1 turn." in done
    log = await told(town, mo, "mod log")
    assert f"<@{mo.id}>: cleared the memory of <@{town.amy.id}>" in log
    seen = [m.content for m in mo.sees() if m.visible_to == mo.id]
    assert not any("swordfish" in text for text in seen)
    assert "remember nothing" in await told(town, town.amy, "memory show")
    assert "boats" in await told(town, town.ben, "memory show")


async def test_a_channels_and_a_servers_memory(town: Town) -> None:
    mo, other = moderator(town), town.sandbox.add_text_channel(town.guild, "other")
    await town.chat(town.amy, "In general.")
    await town.chat(town.amy, "In other.", where=other)
    await town.chat(town.amy, "In private.", where=town.amy.direct)
    await confirmed(town, mo, "mod clear-channel", channel=other)
    kept = await told(town, town.amy, "memory show")
    assert "In general." in kept
    assert "In other." not in kept
    assert "Cleared: 1 turn." in await confirmed(town, mo, "mod clear-server")
    assert "remember nothing" in await told(town, town.amy, "memory show")
    direct = await told(town, town.amy, "memory show", where=town.amy.direct)
    assert "In private." in direct


async def test_moderators_reach_no_other_server(town: Town) -> None:
    mo, sandbox = moderator(town), town.sandbox
    elsewhere = sandbox.add_guild("Island", text=("beach",))
    beach = sandbox.channel(elsewhere, "beach")
    town.amy.join(elsewhere)
    mo.join(elsewhere)
    await town.chat(town.amy, "On the island.", where=beach)
    await confirmed(town, mo, "mod clear-memory", member=town.amy.user)
    await told(town, mo, "mod block", member=town.amy.user)
    assert "On the island." in await told(town, town.amy, "memory show", where=beach)
    await town.chat(town.amy, "Still here.", where=beach)
    with pytest.raises(NotOffered):
        await mo.command("mod log", where=beach)
    owner = sandbox.owner(elsewhere)
    assert "done nothing" in await told(town, owner, "mod log", where=beach)


async def test_a_blocked_member_is_refused_everywhere_but_keeps_their_data(town: Town) -> None:
    mo, amy = moderator(town), town.amy
    answer = await town.chat(amy, "Hello!")
    await town.joined(amy)
    question = await private(town, await amy.command("memory clear"))
    form = await amy.command("persona make")
    assert "can no longer use me" in await told(town, mo, "mod block", member=amy.user)
    await town.until(lambda: town.bot_channel() == 0)
    asked = len(town.endpoint.chats)
    blocked = "blocked you"
    assert blocked in await told(town, amy, "chat", text="Hello?")
    # Their files are not even opened: this one could not be.
    unread = File("a.pdf", b"%PDF-")
    assert blocked in await told(town, amy, "chat", text="Read this.", file=unread)
    for path in ("memory show", "voice join", "voice list", "persona list", "usage", "queue"):
        assert blocked in await told(town, amy, path), path
    assert blocked in await town.told(await amy.menu("Ask Parley", answer))
    assert await amy.autocomplete("persona set", "name", "") == []
    for label in ("Regenerate", "Speak"):
        assert blocked in await town.told(await amy.click(answer, label))
    said = len(town.said())
    await amy.mention_bot(None, "Hello?")
    refusal = (await town.until(lambda: town.said()[said:]))[0]
    assert blocked in refusal.content
    assert len(town.endpoint.chats) == asked

    export = await amy.command("privacy export")
    await town.until(lambda: [m for m in export.messages if m.attachments])
    await town.chat(amy, "In private.", where=amy.direct)
    assert f"<@{amy.id}>, by <@{mo.id}>" in await told(town, mo, "mod blocks")
    assert "blocked already" in await told(town, mo, "mod block", member=amy.user)
    # A question that was open when the block came, and a form, are refused as well.
    assert blocked in await town.told(await amy.click(question, YES))
    assert blocked in await town.told(
        await amy.submit(form, {"Name": "Pirate", "Prompt: who I am and how I talk": "Arr."})
    )
    assert "can use me again" in await told(town, mo, "mod unblock", member=amy.user)
    assert "was not blocked" in await told(town, mo, "mod unblock", member=amy.user)
    assert "Nobody is blocked" in await told(town, mo, "mod blocks")
    await town.chat(amy, "Hello again!")


async def test_moderators_cannot_be_blocked(town: Town) -> None:
    mo = moderator(town)
    assert "can't block moderators" in await told(town, mo, "mod block", member=town.owner.user)
    assert "can't block moderators" in await told(town, mo, "mod block", member=mo.user)


async def test_sessions_in_other_servers_are_not_theirs_to_end(town: Town) -> None:
    mo, sandbox = moderator(town), town.sandbox
    elsewhere = sandbox.add_guild("Island", text=("beach",), voice=("cave",))
    beach, cave = sandbox.channel(elsewhere, "beach"), sandbox.channel(elsewhere, "cave")
    town.amy.join(elsewhere)
    await town.amy.join_voice(cave)
    await town.amy.command("voice join", where=beach)
    await town.until(lambda: sandbox.bot.id in elsewhere.voice_states)
    await told(town, mo, "mod end-session", member=town.amy.user)
    await told(town, mo, "mod block", member=town.amy.user)
    status = await told(town, town.amy, "voice status", where=beach)
    assert sandbox.bot.id in elsewhere.voice_states, status
    assert "ended the voice session" not in await told(town, mo, "mod log")


async def test_the_moderators_role_may_act_for_others(town: Town) -> None:
    role = town.sandbox.add_role(town.guild, "helpers", Permission(0))
    cat = town.sandbox.add_member(town.guild, "cat", roles=(role,))
    refusal = "not allowed"
    assert refusal in await told(town, cat, "stop", everyone=True)
    shown = await private(town, await town.owner.command("setup"))
    await town.owner.choose(shown, [role], which="Role that may act for others")
    await town.until(lambda: f"<@&{role.id}>" in shown.content)
    assert "not speaking" in await told(town, cat, "stop", everyone=True)
    assert refusal in await told(town, town.amy, "stop", everyone=True)


async def test_a_server_says_in_its_integration_settings_who_may_use_what(town: Town) -> None:
    helpers = town.sandbox.add_role(town.guild, "helpers", Permission(0))
    cat = town.sandbox.add_member(town.guild, "cat", roles=(helpers,))
    mo = moderator(town)
    commands = {offer.command.name: offer.command for offer in town.owner.offers()}
    restrict = town.owner.moderate.restrict_command
    with pytest.raises(NotOffered):
        await cat.command("mod log")
    restrict(town.guild, commands["mod"], helpers, True)
    await town.chat(town.amy, SECRET)
    assert "Cleared: 1 turn." in await confirmed(
        town, cat, "mod clear-memory", member=town.amy.user
    )
    assert f"<@{cat.id}>: cleared the memory" in await told(town, cat, "mod log")
    restrict(town.guild, commands["mod"], mo.user, False)
    restrict(town.guild, commands["chat"], town.general, False)
    for who, path in ((mo, "mod log"), (town.amy, "chat")):
        with pytest.raises(NotOffered):
            await who.command(path, **({"text": "Hello?"} if path == "chat" else {}))


async def test_quotas_by_role(town: Town) -> None:
    sandbox, mo = town.sandbox, moderator(town)
    role = sandbox.add_role(town.guild, "rich", Permission(0))
    cat = sandbox.add_member(town.guild, "cat", roles=(role,))
    assert "No role" in await told(town, mo, "mod quota")
    everyone = town.guild.roles[town.guild.id]
    shown = await told(town, mo, "mod quota", role=everyone, tokens=10)
    assert "everyone: 10 tokens and unlimited s" in shown
    shown = await told(town, mo, "mod quota", role=role, tokens=5000, seconds=60)
    assert f"<@&{role.id}>: 5000 tokens and 60 s" in shown
    refused = await town.amy.command("chat", text="Hello!")
    assert "used up" in await town.told(refused)
    await town.chat(cat, "Hello!")
    assert "of 5000" in await told(town, cat, "usage")
    await told(town, mo, "mod quota", role=everyone, tokens=-1)
    await town.chat(town.amy, "Hello!")
    log = await told(town, mo, "mod log")
    assert "set the daily quota of everyone" in log
    assert "removed the daily quota of everyone" in log


async def test_every_command_of_moderators_is_hidden_from_others(town: Town) -> None:
    paths = {offer.path for offer in town.owner.offers() if offer.path.startswith("mod ")}
    assert len(paths) >= 12
    mine = {offer.path for offer in town.amy.offers()}
    assert not mine & paths
    assert "setup" not in mine
    assert paths < {offer.path for offer in moderator(town).offers()}
    direct = {offer.path for offer in town.owner.offers(town.owner.direct)}
    assert not any(path.startswith(("mod", "setup")) for path in direct)
    for path in ("memory show", "privacy forget", "usage", "dict add", "persona set", "voice set"):
        assert path in direct
