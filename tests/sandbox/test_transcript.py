"""What a person reads afterwards: every message, edit and interaction with its time."""

from __future__ import annotations

import asyncio
import json

import discord
import pytest
from discord import app_commands

from sandbox.errors import TimedOut
from sandbox.server import Sandbox, open_sandbox
from tests.sandbox.client import Bot, Connect, Home

Ix = discord.Interaction


def story(bot: Bot) -> None:
    @bot.tree.command(description="Streams")
    async def chat(ix: Ix, text: str) -> None:
        await ix.response.defer()
        for length in (3, 8, 11):
            await ix.edit_original_response(content="hello there"[:length])

    @bot.tree.command(description="Private")
    async def status(ix: Ix) -> None:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Stop", custom_id="stop"))
        embed = discord.Embed(title="Status").add_field(name="voice", value="off")
        await ix.response.send_message(embed=embed, view=view, ephemeral=True)

    @bot.tree.command(description="Asks")
    async def ask(ix: Ix) -> None:
        modal = discord.ui.Modal(title="Question")
        modal.add_item(discord.ui.TextInput(label="What"))
        await ix.response.send_modal(modal)

    @bot.tree.command(description="Completes")
    async def pick(ix: Ix, voice: str) -> None:
        await ix.response.send_message(voice)

    @pick.autocomplete("voice")
    async def voices(ix: Ix, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name="joe", value="joe")]


async def test_a_transcript_tells_the_whole_story(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect(story)
    await home.ann.join_voice(home.lounge)
    used = await home.ann.command("chat", text="hi")
    await sandbox.until(lambda: used.original and used.original.content == "hello there")
    await home.ben.command("status")
    await home.ben.command("ask")
    await home.ben.autocomplete("pick", "voice", "j")
    said = await home.ann.dm("psst")
    await bot.told.get()
    await home.ann.react(said, "👍")
    await home.ann.delete(said)
    await home.ann.leave_voice()
    lines = [line[11:] for line in sandbox.transcript().splitlines()]
    for expected in (
        "Ann is in voice: #Lounge",
        "#general Ann: /chat text:hi",
        "#general Parley: thinking...",
        "#general Parley edits: hel",
        "#general Parley edits: hello th",
        "#general Parley edits: hello there",
        "#general Parley (only Ben sees this): {Status / voice: off} | [Stop]",
        "@Ann Ann: psst",
        f"@Ann Ann: reacted to 👍 {said.id}",
        f"@Ann Ann: deleted  {said.id}",
        "Ann left voice",
    ):
        assert expected in lines, sandbox.transcript()
    assert any(line.startswith("#general Ben: /ask -> a modal after 0.") for line in lines)
    assert any("completing /pick voice:j -> choices" in line for line in lines)

    records = json.loads(json.dumps(sandbox.records()))
    times = [r["at_s"] for r in records]
    assert times == sorted(times)
    edits = [r["content"] for r in records if r["kind"] == "message.edit"]
    assert edits == ["hel", "hello th", "hello there"]
    answer = next(r for r in records if r["kind"] == "interaction.answer")
    assert answer["after_s"] >= 0
    assert answer["answer"] == 5


async def test_waiting_in_vain_shows_the_transcript(sandbox: Sandbox, home: Home) -> None:
    await home.ann.say(home.general, "is anybody there?")
    with pytest.raises(TimedOut, match="is anybody there"):
        await sandbox.until(lambda: False, timeout_s=0.01)


async def test_live_events_for_those_who_watch(sandbox: Sandbox, home: Home) -> None:
    async with sandbox.subscribe() as events:
        await home.ann.say(home.general, "live")
        event = await asyncio.wait_for(events.get(), 1)
        assert event.kind == "message.create"
        message = event.details["message"]
        assert message is sandbox.messages(home.general)[-1]


async def test_violations_and_faults_are_in_it(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    with pytest.raises(discord.HTTPException):
        await bot.text().send("x" * 2001)
    sandbox.faults.rate_limit("POST /channels/*/messages", retry_after_s=0.01)
    await bot.text().send("fine")
    assert "VIOLATION message-too-long" in sandbox.transcript()
    assert "FAULT what=rate limit" in sandbox.transcript()
    assert str(sandbox.violations[0]).endswith(sandbox.violations[0].detail)


async def test_two_sandboxes_know_nothing_of_each_other(sandbox: Sandbox, home: Home) -> None:
    async with open_sandbox(bot_name="Other") as other:
        assert other.address != sandbox.address
        assert other.token != sandbox.token
        assert other.guilds == []
        ca_file = other.ca_file
        assert ca_file.exists()
    assert not ca_file.exists()
