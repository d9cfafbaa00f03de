"""What goes wrong on purpose in REST, and limits that go wrong by themselves."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import pytest

from cogs.elsewhere import Elsewhere
from sandbox.clock import Clock
from sandbox.core import Rules
from sandbox.ratelimits import RateLimits
from sandbox.server import Sandbox, open_sandbox
from tests.sandbox.client import Bot, Connect, Home

SEND = "POST /channels/*/messages"


def statuses(sandbox: Sandbox, path: str = "/messages") -> list[object]:
    """The statuses of the calls so far whose path ends like this."""
    calls = [e.details for e in sandbox.events if e.kind == "rest"]
    return [c["status"] for c in calls if str(c["path"]).endswith(path)]


async def test_a_429_is_waited_out(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    sandbox.faults.rate_limit(SEND, retry_after_s=0.1, times=2)
    await bot.text().send("patience")
    assert statuses(sandbox) == [429, 429, 200]
    assert not sandbox.violations


async def test_a_global_limit_stops_everything(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    sandbox.faults.rate_limit(SEND, retry_after_s=0.3, everywhere=True)
    began_s = sandbox.clock.real_s()
    sending = asyncio.create_task(bot.text().send("one"))
    await sandbox.until(lambda: 429 in statuses(sandbox))
    while bot.http._global_over.is_set():  # noqa: ASYNC110 - it offers nothing to await
        await asyncio.sleep(0)
    await bot.fetch_user(home.ann.id)
    await sending
    fetched = next(
        e
        for e in sandbox.events
        if e.kind == "rest" and e.details["template"] == "/users/{user_id}"
    )
    assert fetched.real_s - began_s >= 0.25


async def test_a_429_without_via_is_a_ban(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    sandbox.faults.rate_limit(SEND, via=False)
    with pytest.raises(discord.HTTPException) as banned:
        await bot.text().send("x")
    assert banned.value.status == 429


@pytest.mark.parametrize("status", [500, 503])
async def test_server_errors(connect: Connect, sandbox: Sandbox, home: Home, status: int) -> None:
    bot = await connect()
    sandbox.faults.server_error(SEND, status=status)
    if status == 500:
        # discord.py tries again after a second.
        await bot.text().send("x")
        assert statuses(sandbox) == [500, 200]
    else:
        with pytest.raises(discord.DiscordServerError):
            await bot.text().send("x")


async def test_a_lost_answer_was_still_done(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    sandbox.faults.lose_answer(SEND)
    with pytest.raises(aiohttp.ClientError):
        await bot.text().send("sent, and not heard of")
    assert len(sandbox.messages(home.general)) == 1


async def test_a_slow_answer_can_be_too_late(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    def setup(bot: Bot) -> None:
        @bot.tree.command(description="Quick")
        async def quick(ix: discord.Interaction) -> None:
            await ix.response.send_message("quick")

    await connect(setup)
    sandbox.faults.delay("POST /interactions/*/callback", by_s=0.2)
    used = await home.ann.command("quick")
    assert used.answered_s is not None
    assert used.answered_s - used.created_s >= 0.2
    assert not sandbox.violations


async def test_faults_can_be_cleared(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    sandbox.faults.server_error(times=100)
    sandbox.faults.clear()
    await bot.text().send("fine")
    assert statuses(sandbox) == [200]


async def test_a_client_that_honours_the_headers_never_meets_a_429(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    message = await home.ann.say(home.general, "react")
    partial = bot.text().get_partial_message(message.id)
    for emoji in "👍👎🎉":
        await partial.add_reaction(emoji)
    assert list(message.reactions) == ["👍", "👎", "🎉"]
    assert not any(e.kind == "rest.limited" for e in sandbox.events)


async def test_a_client_that_does_not_is_stopped() -> None:
    limits = RateLimits(Clock())
    route = ("POST", "/channels/{channel_id}/messages")
    verdicts = [limits.take(*route, {"channel_id": "1"}) for _ in range(6)]
    assert [v.allowed for v in verdicts] == [True] * 5 + [False]
    assert 0 < verdicts[5].retry_after_s <= 5
    assert [v.headers["X-RateLimit-Remaining"] for v in verdicts[:5]] == list("43210")
    assert limits.take(*route, {"channel_id": "2"}).allowed


class Still(Clock):
    """No real time passes."""

    def real_s(self) -> float:
        return 0.0


async def test_all_calls_together_have_a_limit_and_interactions_are_beyond_it(
    sandbox: Sandbox,
) -> None:
    limits = sandbox.core.limits = RateLimits(Still())
    assert [limits.over_all_s() for _ in range(51)] == [0.0] * 50 + [1.0]
    connector = Elsewhere(*sandbox.address, sandbox.ca_file).connector()
    base, own = "https://discord.com/api/v10", {"Authorization": f"Bot {sandbox.token}"}
    async with aiohttp.ClientSession(base_url=f"{base}/", connector=connector) as session:
        async with session.get("users/@me", headers=own) as answer:
            assert answer.status == 429
            assert answer.headers["X-RateLimit-Scope"] == "global"
            assert await answer.json() == {
                "message": "You are being rate limited.",
                "retry_after": 1.0,
                "global": True,
            }
        async with session.post("interactions/1/x/callback", json={"type": 5}) as answer:
            assert (await answer.json())["code"] == 10062


async def test_limits_can_be_switched_off(home: Home) -> None:
    async with open_sandbox(rules=Rules(rate_limits=False)) as sandbox:
        guild = sandbox.add_guild("Busy")
        bot = Bot(sandbox)
        task = asyncio.create_task(bot.start(sandbox.token))
        await asyncio.wait_for(bot.up.wait(), 10)
        for n in range(12):
            await bot.text().send(str(n))
        await bot.close()
        await task
        assert len(sandbox.messages(sandbox.channel(guild, "general"))) == 12
