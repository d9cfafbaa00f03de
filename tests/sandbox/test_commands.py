"""Registering commands, and who is shown them where."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord import app_commands

from sandbox.errors import NotOffered
from sandbox.permissions import MODERATOR, Permission
from sandbox.records import Overwrite
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home

Ix = discord.Interaction


class Chinese(app_commands.Translator):
    """Translates one name and one description."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContext,
    ) -> str | None:
        if locale is discord.Locale.taiwan_chinese:
            return {"chat": "聊天", "Talk": "說話", "text": "文字"}.get(str(string))
        return None


def commands(bot: Bot) -> None:
    @bot.tree.command(description="Talk")
    async def chat(ix: Ix, text: str) -> None:
        await ix.response.send_message(text)

    @bot.tree.command(description="For moderators")
    @app_commands.default_permissions(kick_members=True)
    async def sessions(ix: Ix) -> None:
        await ix.response.send_message("sessions", ephemeral=True)

    @bot.tree.command(description="For servers")
    @app_commands.guild_only()
    async def here(ix: Ix) -> None:
        await ix.response.send_message("here")

    @bot.tree.command(description="For administrators")
    @app_commands.default_permissions()
    async def reset(ix: Ix) -> None:
        await ix.response.send_message("reset")


async def test_syncing_registers_and_keeps_ids(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect(commands)
    first = {c.name: c.id for c in sandbox.commands}
    assert set(first) == {"chat", "sessions", "here", "reset"}
    bot.tree.remove_command("reset")
    synced = await bot.tree.sync()
    assert {c.name: c.id for c in synced} == {n: i for n, i in first.items() if n != "reset"}
    fetched = await bot.tree.fetch_commands()
    assert [c.name for c in fetched] == ["chat", "sessions", "here"]
    chat = next(c for c in fetched if c.name == "chat")
    assert chat.options[0].name == "text"
    sessions = next(c for c in fetched if c.name == "sessions")
    assert sessions.default_member_permissions == discord.Permissions(kick_members=True)
    await chat.delete()
    with pytest.raises(discord.NotFound):
        await bot.tree.fetch_command(chat.id)
    assert not sandbox.violations


async def test_a_servers_own_commands(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    other = sandbox.add_guild("Other")
    visitor = sandbox.add_member(other, "Vic")

    @bot.tree.command(description="Only here", guild=discord.Object(home.guild.id))
    async def local(ix: Ix) -> None:
        await ix.response.send_message("local")

    await bot.tree.sync(guild=discord.Object(home.guild.id))
    assert (await home.ann.command("local")).messages[0].content == "local"
    with pytest.raises(NotOffered, match="there is no"):
        await visitor.command("local")


async def test_moderators_commands_are_hidden_from_others(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(commands)
    role = sandbox.add_role(home.guild, "mods", MODERATOR)
    mona = sandbox.add_member(home.guild, "Mona", roles=[role])
    with pytest.raises(NotOffered, match="KICK_MEMBERS"):
        await home.ann.command("sessions")
    assert [o.path for o in home.ann.offers()] == ["chat", "here"]
    assert [o.path for o in mona.offers()] == ["chat", "here", "sessions"]
    assert [o.path for o in home.owner.offers()] == ["chat", "here", "reset", "sessions"]
    assert (await mona.command("sessions")).messages[0].content == "sessions"
    with pytest.raises(NotOffered, match="administrators"):
        await mona.command("reset")


async def test_the_servers_settings_come_before_the_default(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect(commands)
    told = asyncio.create_task(bot.wait_for("raw_app_command_permissions_update"))
    sessions = next(c for c in sandbox.commands if c.name == "sessions")
    chat = next(c for c in sandbox.commands if c.name == "chat")
    restrict = home.owner.moderate.restrict_command
    restrict(home.guild, sessions, home.ann, True)
    assert (await asyncio.wait_for(told, 5)).permissions[0].permission
    await home.ann.command("sessions")
    restrict(home.guild, chat, home.general, False)
    with pytest.raises(NotOffered, match="this channel"):
        await home.ben.command("chat", text="x")
    everyone = home.guild.roles[home.guild.id]
    restrict(home.guild, chat, home.general, True)
    restrict(home.guild, chat, everyone, False)
    with pytest.raises(NotOffered, match="everyone"):
        await home.ben.command("chat", text="x")
    settings = await bot.tree.fetch_command(sessions.id)
    found = await settings.fetch_permissions(bot.home())
    assert found.permissions[0].id == home.ann.id


async def test_where_commands_are_not_shown(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(commands)
    with pytest.raises(NotOffered, match="direct messages"):
        await home.ann.command("here", home.ann.direct)
    everyone = home.guild.roles[home.guild.id]
    home.owner.moderate.overwrite(home.general, everyone, deny=Permission.USE_APPLICATION_COMMANDS)
    with pytest.raises(NotOffered, match="use application commands"):
        await home.ann.command("chat", text="x")
    secret = sandbox.add_text_channel(
        home.guild,
        "secret",
        overwrites=[Overwrite(everyone.id, True, deny=int(Permission.VIEW_CHANNEL))],
    )
    with pytest.raises(NotOffered):
        await home.ann.command("chat", secret, text="x")
    home.owner.moderate.kick(home.guild, sandbox.bot)
    with pytest.raises(NotOffered, match="not in this server"):
        await home.owner.command("chat", text="x")


async def test_names_in_the_members_language(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect(commands)
    await bot.tree.set_translator(Chinese())
    await bot.tree.sync()
    mei = sandbox.add_member(home.guild, "Mei", locale="zh-TW")
    offer = next(o for o in mei.offers() if o.path == "chat")
    assert (offer.label, offer.description) == ("聊天", "說話")
    used = await mei.command("聊天", given={"文字": "你好"})
    assert used.data["name"] == "chat"
    assert used.messages[0].content == "你好"


def option(name: str, **more: object) -> dict[str, object]:
    """A string option."""
    return {"type": 3, "name": name, "description": "d", **more}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Chat", "description": "upper case"},
        {"name": "chat", "description": ""},
        {"name": "chat", "description": "x" * 101},
        {"name": "a b", "description": "space"},
        {"name": "chat", "description": "d", "name_localizations": {"xx": "y"}},
        {"name": "chat", "description": "d", "options": [option("b"), option("a", required=True)]},
        {"name": "chat", "description": "d", "options": [option("a"), option("a")]},
        {"name": "chat", "description": "d", "options": [option(f"o{n}") for n in range(26)]},
        {"name": "chat", "description": "d", "options": [option("a"), option("b", type=1)]},
        {"name": "chat", "description": "d", "options": [option("a", type=12)]},
        {
            "name": "chat",
            "description": "d",
            "options": [option("a", autocomplete=True, choices=[{"name": "x", "value": "x"}])],
        },
        {"name": "Ask", "type": 3, "description": "menus have none"},
    ],
)
async def test_a_malformed_command_is_refused(
    connect: Connect, sandbox: Sandbox, wrong: dict[str, object]
) -> None:
    bot = await connect()
    with pytest.raises(discord.HTTPException) as refused:
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=[wrong])
    assert refused.value.code == 50035
    assert [v.rule for v in sandbox.violations] == ["commands"]


async def test_too_many_or_doubled_commands_are_refused(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    many = [{"name": f"c{n}", "description": "d"} for n in range(101)]
    with pytest.raises(discord.HTTPException) as refused:
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=many)
    assert refused.value.code == 30032
    with pytest.raises(discord.HTTPException, match="unique"):
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=[many[0], many[0]])
