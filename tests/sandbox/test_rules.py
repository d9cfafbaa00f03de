"""Broken rules are loud: Discord's error for the client, a violation for the test."""

from __future__ import annotations

import io

import aiohttp
import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.elsewhere import Elsewhere
from sandbox.checks.components import check_message_components, number, walk
from sandbox.checks.embeds import check_embeds
from sandbox.errors import ApiError
from sandbox.permissions import Permission
from sandbox.records import Overwrite
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home


async def post(bot: Bot, path: str, body: object, method: str = "POST") -> object:
    """A call that discord.py itself would not make."""
    return await bot.http.request(discord.http.Route(method, path), json=body)


async def test_an_unknown_route(connect: Connect, sandbox: Sandbox) -> None:
    bot = await connect()
    with pytest.raises(discord.NotFound):
        await post(bot, "/channels/1/mistakes", {})
    with pytest.raises(discord.HTTPException) as wrong:
        await post(bot, "/users/@me", {}, method="DELETE")
    assert wrong.value.status == 405
    assert [v.rule for v in sandbox.violations] == ["unknown-route"] * 2


@pytest.mark.parametrize(
    ("body", "code", "rule"),
    [
        ({"content": "x" * 2001}, 50035, "message-too-long"),
        ({"content": ""}, 50006, "empty-message"),
        ({"content": " \n "}, 50006, "empty-message"),
        ({}, 50006, "empty-message"),
        ({"content": ["a"]}, 50035, "form"),
        ({"content": "x", "flags": 1 << 6}, 50035, "flags"),
        ({"content": "x", "embeds": [{"title": "t" * 257}]}, 50035, "embeds"),
        ({"embeds": [{}]}, 50035, "embeds"),
        ({"embeds": [{"fields": [{"name": "", "value": "v"}]}]}, 50035, "embeds"),
        ({"embeds": [{"title": "t", "url": "ftp://x"}]}, 50035, "embeds"),
        ({"embeds": [{"description": "d" * 4000}] * 2}, 50035, "embeds"),
        ({"embeds": [{"title": "t"}] * 11}, 50035, "embeds"),
        ({"content": "x", "components": [{"type": 2}]}, 50035, "components"),
        ({"content": "x", "flags": 1 << 15, "components": []}, 50035, "components"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            50035,
            "allowed-mentions",
        ),
        ({"content": "x", "poll": {"question": {}}}, 50035, "unsupported"),
        ("nonsense", 50035, "form"),
    ],
)
async def test_messages_discord_would_not_take(
    connect: Connect, sandbox: Sandbox, home: Home, body: object, code: int, rule: str
) -> None:
    bot = await connect()
    with pytest.raises(discord.HTTPException) as refused:
        await post(bot, f"/channels/{home.general.id}/messages", body)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert [(v.rule, v.code) for v in sandbox.violations] == [(rule, code)]
    assert sandbox.messages(home.general) == []


def row(*children: dict[str, object]) -> dict[str, object]:
    return {"type": 1, "components": list(children)}


def button(**more: object) -> dict[str, object]:
    return {"type": 2, "style": 1, "label": "b", "custom_id": "c", **more}


def select(**more: object) -> dict[str, object]:
    options = [{"label": "a", "value": "a"}]
    return {"type": 3, "custom_id": "s", "options": options, **more}


@pytest.mark.parametrize(
    "components",
    [
        [row()],
        [row(*[button(custom_id=str(n)) for n in range(6)])],
        [row(button())] * 6,
        [row(button()), row(button())],
        [row(button(custom_id="x" * 101))],
        [row(button(label="x" * 81))],
        [row(button(label=""))],
        [row(button(style=9))],
        [row(button(style=5))],
        [row(select(), button())],
        [row(select(options=[]))],
        [row(select(options=[{"label": "a", "value": "a"}] * 2))],
        [row(select(max_values=2))],
        [row(select(options=[{"label": "x" * 101, "value": "a"}]))],
        [row(select(placeholder="x" * 151))],
        [{"type": 10, "content": "text without the flag"}],
    ],
)
def test_components_discord_would_not_take(components: list[dict[str, object]]) -> None:
    with pytest.raises(ApiError) as refused:
        check_message_components(components, v2=False)
    assert refused.value.code == 50035


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_any_five_rows_of_five_buttons_pass_and_are_numbered(rows: list[int]) -> None:
    components = [
        row(*[button(custom_id=f"{r}-{n}") for n in range(count)]) for r, count in enumerate(rows)
    ]
    check_message_components(components, v2=False)
    ids = [c["id"] for c in walk(number(components))]
    assert ids == list(range(1, len(rows) + sum(rows) + 1))


@given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 26))
@settings(max_examples=60)
def test_embeds_pass_exactly_within_the_limits(text: int, title: int, fields: int) -> None:
    embed = {
        "title": "t" * title,
        "description": "d" * text,
        "fields": [{"name": "n", "value": "v"}] * fields,
        "url": "https://example.org",
    }
    fits = text <= 4096 and title <= 256 and fields <= 25
    if fits:
        check_embeds([embed])
    else:
        with pytest.raises(ApiError):
            check_embeds([embed])


async def test_missing_permissions(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    everyone, mine = home.guild.roles.values()

    def forbid(permission: Permission) -> None:
        home.general.overwrites[mine.id] = Overwrite(mine.id, True, deny=int(permission))

    async def code(**message: object) -> int:
        with pytest.raises(discord.Forbidden) as refused:
            await bot.text().send(**message)
        return refused.value.code

    forbid(Permission.SEND_MESSAGES)
    assert await code(content="x") == 50013
    forbid(Permission.VIEW_CHANNEL)
    assert await code(content="x") == 50001
    forbid(Permission.EMBED_LINKS)
    assert await code(embed=discord.Embed(title="t")) == 50013
    forbid(Permission.ATTACH_FILES)
    assert await code(file=discord.File(__file__)) == 50013
    assert [v.code for v in sandbox.violations] == [50013, 50001, 50013, 50013]
    assert "EMBED_LINKS" in sandbox.violations[2].rule

    home.general.overwrites.clear()
    said = await home.ann.say(home.general, "mine")
    everyone.permissions &= ~Permission.MANAGE_MESSAGES
    mine.permissions &= ~Permission.MANAGE_MESSAGES
    with pytest.raises(discord.Forbidden):
        await bot.text().get_partial_message(said.id).delete()
    with pytest.raises(discord.Forbidden) as foreign:
        await bot.text().get_partial_message(said.id).edit(content="yours")
    assert foreign.value.code == 50005


async def test_a_file_over_the_limit(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    big = discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin")
    with pytest.raises(discord.HTTPException) as refused:
        await bot.text().send(file=big)
    assert (refused.value.status, refused.value.code) == (413, 40005)
    with pytest.raises(discord.HTTPException) as many:
        await bot.text().send(files=[discord.File(io.BytesIO(b"x"), "x") for _ in range(11)])
    assert many.value.code == 30015
    assert [v.rule for v in sandbox.violations] == ["files", "files"]


async def test_answers_that_do_not_fit_the_question(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    codes: list[int] = []

    def odd(bot: Bot) -> None:
        @bot.tree.command(description="Odd")
        async def odd(ix: discord.Interaction) -> None:
            path = f"/interactions/{ix.id}/{ix.token}/callback"
            for body in ({"type": 7, "data": {"content": "x"}}, {"type": 8}, {"type": 99}):
                try:
                    await post(bot, path, body)
                except discord.HTTPException as error:
                    codes.append(error.code)
            followup = f"/webhooks/{bot.application_id}/{ix.token}"
            try:
                await post(bot, followup, {"content": "before the answer"})
            except discord.HTTPException as error:
                codes.append(error.code)
            await ix.response.send_message("x" * 2000)

    await connect(odd)
    # A refused answer leaves the interaction open.
    used = await home.ann.command("odd")
    assert len(used.messages[0].content) == 2000
    assert codes == [50035, 50035, 50035, 10015]


async def test_without_or_with_a_wrong_token_nothing_is_served(sandbox: Sandbox) -> None:
    host, port = sandbox.address
    connector = Elsewhere(host, port, sandbox.ca_file).connector()
    base = "https://discord.com/api"
    async with aiohttp.ClientSession(connector=connector) as session:
        for headers in ({}, {"Authorization": "Bot x"}, {"Authorization": sandbox.token}):
            async with session.get(f"{base}/v10/users/@me", headers=headers) as answer:
                assert answer.status == 401
                assert (await answer.json())["code"] == 0
        async with session.get(f"{base}/v6/gateway") as answer:
            assert answer.status == 400
        async with session.get(f"{base}/v10/gateway") as answer:
            assert await answer.json() == {"url": "wss://gateway.discord.gg"}
            assert answer.headers["Content-Type"] == "application/json"
        own = {"Authorization": f"Bot {sandbox.token}"}
        async with session.post(
            f"{base}/v10/users/@me/channels",
            headers=own | {"Content-Type": "application/json"},
            data=b"{",
        ) as answer:
            assert (await answer.json())["code"] == 50109


async def test_nobody_but_the_authority_is_trusted(sandbox: Sandbox) -> None:
    host, port = sandbox.address
    connector = Elsewhere(host, port).connector()
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get("https://discord.com/api/v10/gateway")
