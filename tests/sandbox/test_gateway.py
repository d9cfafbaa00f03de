"""The gateway's life: drops, resumes, invalid sessions, outages."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

import aiohttp
import discord
import pytest

from sandbox.gateway import RESUME_WINDOW_S
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home, raw_gateway


async def test_heartbeats_are_answered(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    assert 0 <= bot.latency < 1
    sandbox.faults.lose_heartbeats()
    assert sandbox.online


async def test_a_dropped_connection_resumes_and_misses_nothing(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    resumed = asyncio.create_task(bot.wait_for("resumed"))
    await sandbox.faults.drop_gateway()
    await home.ann.say(home.general, "while you were away")
    await asyncio.wait_for(resumed, 10)
    assert (await bot.told.get()).content == "while you were away"
    assert [e.kind for e in sandbox.events].count("gateway.identify") == 1


async def test_a_cut_cable_resumes_too(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    resumed = asyncio.create_task(bot.wait_for("resumed"))
    sandbox.faults.cut_gateway()
    await home.ann.say(home.general, "still there?")
    await asyncio.wait_for(resumed, 10)
    assert (await bot.told.get()).content == "still there?"


async def test_asked_to_reconnect_a_client_resumes(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    resumed = asyncio.create_task(bot.wait_for("resumed"))
    sandbox.faults.ask_reconnect()
    await asyncio.wait_for(resumed, 10)
    assert not sandbox.violations


async def test_an_invalid_session_is_identified_anew(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    bot.up.clear()
    sandbox.faults.invalidate_session()
    await asyncio.wait_for(bot.up.wait(), 15)
    await home.ann.say(home.general, "hello again")
    assert (await bot.told.get()).content == "hello again"
    assert [e.kind for e in sandbox.events].count("gateway.identify") == 2


async def test_a_forgotten_session_cannot_resume(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    bot.up.clear()
    await sandbox.faults.drop_gateway(resumable=False)
    await asyncio.wait_for(bot.up.wait(), 15)
    kinds = [e.kind for e in sandbox.events]
    assert "gateway.resume_refused" in kinds
    assert kinds.count("gateway.identify") == 2


async def test_a_session_nobody_resumes_ends_after_its_window(sandbox: Sandbox, home: Home) -> None:
    sessions = sandbox.core.gateway.sessions
    async with raw_gateway(sandbox) as raw:
        await raw.identify()
        ready = await raw.event("READY")
        sandbox.faults.cut_gateway()
        await sandbox.until(lambda: not sandbox.online)
    async with raw_gateway(sandbox) as raw:
        sandbox.clock.advance(RESUME_WINDOW_S + 1)
        await sandbox.until(lambda: not sessions)
        body = {"token": sandbox.token, "session_id": ready["session_id"], "seq": 1}
        await raw.send(6, body)
        assert await raw.event("op 9") is False


@pytest.mark.parametrize(
    ("code", "frames"),
    [
        (4001, [("identify", {}), (99, None)]),
        (4002, ["not json"]),
        (4002, [("identify", {"properties": {}})]),
        (4003, [(3, {})]),
        (4004, [("identify", {"token": "x"})]),
        (4005, [("identify", {}), ("identify", {})]),
        (4008, [("identify", {}), *[(3, {})] * 125]),
        (4010, [("identify", {"shard": [2, 2]})]),
        (4013, [("identify", {"intents": 1 << 30})]),
    ],
)
async def test_each_wrong_move_has_its_close_code(
    sandbox: Sandbox, home: Home, code: int, frames: list[Any]
) -> None:
    async with raw_gateway(sandbox) as raw:
        for frame in frames:
            if frame == "not json":
                await raw.socket.send_str("{")
            elif frame[0] == "identify":
                await raw.identify(**frame[1])
            else:
                await raw.send(*frame)
        assert await raw.close_code() == code
    assert [v.code for v in sandbox.violations] == ([] if code == 4004 else [code])


async def test_an_old_api_version_is_refused(sandbox: Sandbox) -> None:
    async with raw_gateway(sandbox, "v=11&encoding=json") as raw:
        assert await raw.close_code() == 4012


@pytest.mark.parametrize("compress", ["zlib-stream", None])
async def test_frames_come_compressed_as_asked(
    sandbox: Sandbox, home: Home, compress: str | None
) -> None:
    inflate = zlib.decompressobj()
    query = "v=10&encoding=json" + (f"&compress={compress}" if compress else "")
    async with raw_gateway(sandbox, query) as raw:
        for _ in range(2):
            frame = await raw.socket.receive()
            assert (frame.type is aiohttp.WSMsgType.BINARY) is bool(compress)
            text = inflate.decompress(frame.data) if compress else frame.data
            assert json.loads(text)["op"] in (10, 11)
            await raw.send(1, None)


async def test_a_client_that_closes_with_1000_is_gone_at_once(sandbox: Sandbox, home: Home) -> None:
    async with raw_gateway(sandbox) as raw:
        await raw.identify()
        await raw.event("READY")
        await raw.socket.close(code=1000)
    await sandbox.until(lambda: not sandbox.core.gateway.sessions)


async def test_a_closed_client_is_offline(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    assert sandbox.online
    await bot.close()
    await sandbox.until(lambda: not sandbox.online)


async def test_an_outage_comes_and_goes(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    gone = asyncio.create_task(bot.wait_for("guild_unavailable"))
    sandbox.faults.outage(home.guild)
    assert (await asyncio.wait_for(gone, 5)).id == home.guild.id
    back = asyncio.create_task(bot.wait_for("guild_available"))
    sandbox.faults.recover(home.guild)
    assert (await asyncio.wait_for(back, 5)).text_channels


async def test_joining_and_leaving_servers(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    joined = asyncio.create_task(bot.wait_for("guild_join"))
    second = sandbox.add_guild("Second")
    assert (await asyncio.wait_for(joined, 5)).name == "Second"
    left = asyncio.create_task(bot.wait_for("guild_remove"))
    sandbox.owner(second).moderate.kick(second, sandbox.bot)
    assert (await asyncio.wait_for(left, 5)).id == second.id
    assert [g.name for g in bot.guilds] == ["Home"]


async def test_presence_and_typing_arrive(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    await bot.change_presence(activity=discord.Game("chess"))
    await sandbox.until(lambda: any(e.kind == "gateway.presence" for e in sandbox.events))
    typing = asyncio.create_task(bot.wait_for("typing"))
    await asyncio.sleep(0)
    await home.ann.type_in(home.general)
    channel, who, _ = await asyncio.wait_for(typing, 5)
    assert (channel.name, who.name) == ("general", "Ann")
    async with bot.text().typing():
        await sandbox.until(
            lambda: any(
                e.kind == "typing" and e.details["user_id"] == sandbox.bot.id
                for e in sandbox.events
            )
        )


async def test_two_shards_share_the_servers(sandbox: Sandbox, home: Home) -> None:
    sandbox.add_guild("Second")
    bots = [Bot(sandbox), Bot(sandbox)]
    tasks = []
    for index, bot in enumerate(bots):
        bot.shard_id, bot.shard_count = index, 2
        bot._connection.shard_count = 2
        tasks.append(asyncio.create_task(bot.start(sandbox.token)))
        await asyncio.wait_for(bot.up.wait(), 10)
    known = [{g.id for g in bot.guilds} for bot in bots]
    for bot in bots:
        await bot.close()
    await asyncio.gather(*tasks)
    assert known[0] | known[1] == {g.id for g in sandbox.guilds}
    assert not known[0] & known[1]
    assert all((g >> 22) % 2 == shard for shard, ids in enumerate(known) for g in ids)
