"""Slash commands, menus, completion: registered, shown, used, answered, followed up."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest
from discord import app_commands

from sandbox.actor import File
from sandbox.errors import BadOption, NotAnswered, NotOffered
from sandbox.records import InteractionKind
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home

Ix = discord.Interaction


def speaking(bot: Bot) -> None:
    """Commands of every shape."""

    @bot.tree.command(description="Answers at once")
    async def echo(ix: Ix, text: str, times: app_commands.Range[int, 1, 3] = 1) -> None:
        await ix.response.send_message(" ".join([text] * times))

    @bot.tree.command(description="Answers in private")
    async def whisper(ix: Ix, text: str) -> None:
        await ix.response.send_message(text, ephemeral=True)

    @bot.tree.command(description="Thinks first")
    async def chat(ix: Ix, text: str, private: bool = False) -> None:
        await ix.response.defer(ephemeral=private)
        answer = await ix.edit_original_response(content=f"you said {text}")
        assert answer.content
        await ix.followup.send("and another thing")
        more = await ix.followup.send("oops", wait=True)
        await more.edit(content="mended")
        await more.delete()

    @bot.tree.command(description="Thinks, then follows up")
    async def slow(ix: Ix) -> None:
        await ix.response.defer()
        await ix.followup.send("here it is", ephemeral=True)

    voice = app_commands.Group(name="voice", description="Sessions")

    @voice.command(description="Begin")
    async def join(ix: Ix, channel: discord.VoiceChannel | None = None) -> None:
        await ix.response.send_message(f"in {channel and channel.name}")

    deeper = app_commands.Group(name="set", description="Choose", parent=voice)

    @deeper.command(description="A speed")
    @app_commands.choices(
        pace=[app_commands.Choice(name="slow", value=1), app_commands.Choice(name="fast", value=2)]
    )
    async def speed(ix: Ix, pace: app_commands.Choice[int]) -> None:
        await ix.response.send_message(f"speed {pace.value} ({pace.name})")

    bot.tree.add_command(voice)

    @bot.tree.command(description="Takes things")
    async def take(
        ix: Ix,
        who: discord.Member,
        role: discord.Role | None = None,
        where: discord.TextChannel | None = None,
        what: discord.Attachment | None = None,
        ratio: float = 0.5,
    ) -> None:
        size = len(await what.read()) if what else 0
        text = f"{who.display_name} {role} {where} {what and what.filename} {size} {ratio}"
        await ix.response.send_message(text)

    @bot.tree.command(description="Completes")
    async def pick(ix: Ix, voice: str) -> None:
        await ix.response.send_message(voice)

    @pick.autocomplete("voice")
    async def voices(ix: Ix, current: str) -> list[app_commands.Choice[str]]:
        names = ("joe", "amy", "ryan")
        return [app_commands.Choice(name=n, value=n) for n in names if current in n]

    @bot.tree.context_menu(name="Ask Parley")
    async def ask(ix: Ix, message: discord.Message) -> None:
        await ix.response.send_message(f"about: {message.content}")

    @bot.tree.context_menu(name="Greet")
    async def greet(ix: Ix, user: discord.Member) -> None:
        await ix.response.send_message(f"hello {user.display_name}")


async def test_an_answer_at_once(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(speaking)
    used = await home.ann.command("echo", text="hi", times=2)
    assert used.original is not None
    assert used.original.content == "hi hi"
    assert used.original.interaction is used
    assert home.ben.sees(home.general) == [used.original]
    assert not sandbox.violations


async def test_an_ephemeral_answer_is_seen_by_one(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(speaking)
    used = await home.ann.command("/whisper", text="secret")
    assert home.ann.sees(home.general) == [used.original]
    assert home.ben.sees(home.general) == []
    assert home.owner.sees(home.general) == []
    assert "only Ann sees this" in sandbox.transcript()


async def test_deferred_edited_and_followed_up(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(speaking)
    used = await home.ann.command("chat", text="hello")
    assert used.answer_kind == 5
    await sandbox.until(lambda: len(used.followups) == 2 and used.followups[1].deleted)
    assert [m.content for m in used.messages] == ["you said hello", "and another thing"]
    assert [v.content for v in used.followups[1].versions] == ["oops", "mended"]
    assert used.original is not None
    assert used.original.versions[0].content == ""
    assert not used.original.loading
    private = await home.ann.command("chat", text="psst", private=True)
    await sandbox.until(lambda: private.original and private.original.content)
    assert private.original is not None
    assert private.original.visible_to == home.ann.id
    assert not sandbox.violations


async def test_the_first_follow_up_takes_the_place_of_thinking(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(speaking)
    used = await home.ann.command("slow")
    await sandbox.until(lambda: used.original and used.original.content)
    assert used.followups == []
    # Whether it is private was decided by the deferral.
    assert used.original is not None
    assert not used.original.ephemeral


async def test_groups_choices_and_things(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(speaking)
    joined = await home.ann.command("voice join", channel=home.lounge)
    assert joined.messages[0].content == "in Lounge"
    assert (await home.ann.command("voice join")).messages[0].content == "in None"
    paced = await home.ann.command("voice set speed", pace="fast")
    assert paced.messages[0].content == "speed 2 (fast)"
    role = sandbox.add_role(home.guild, "guest")
    taken = await home.ann.command(
        "take",
        who=home.ben,
        role=role,
        # "where" is also a parameter of command() itself.
        given={"where": home.general},
        what=File("cat.png", b"12345"),
        ratio=0.25,
    )
    assert taken.messages[0].content == "Ben guest general cat.png 5 0.25"
    assert not sandbox.violations


async def test_completion(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(speaking)
    assert [c["name"] for c in await home.ann.autocomplete("pick", "voice", "y")] == ["amy", "ryan"]
    assert await home.ann.autocomplete("pick", "voice", "zzz") == []
    with pytest.raises(NotOffered, match="completes no option"):
        await home.ann.autocomplete("echo", "text", "y")


async def test_context_menus(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(speaking)
    said = await home.ben.say(home.general, "the sky is blue")
    asked = await home.ann.menu("Ask Parley", said)
    assert asked.messages[0].content == "about: the sky is blue"
    greeted = await home.ann.menu("Greet", home.ben)
    assert greeted.messages[0].content == "hello Ben"


async def test_commands_in_direct_messages(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(speaking)
    stranger = sandbox.add_user("Stan")
    used = await stranger.command("echo", stranger.direct, text="alone")
    assert stranger.sees(stranger.direct) == [used.original]
    assert used.payload["context"] == 1
    assert "user" in used.payload
    assert "member" not in used.payload


@pytest.mark.parametrize(
    ("path", "values", "why"),
    [
        ("echo", {}, "required"),
        ("echo", {"text": "a", "times": 4}, "within"),
        ("echo", {"text": ""}, "characters"),
        ("echo", {"text": "a", "volume": 1}, "no option"),
        ("voice set speed", {"pace": "warp"}, "none of"),
        ("take", {"who": 1}, "no user"),
    ],
)
async def test_what_discord_would_not_let_through(
    connect: Connect, home: Home, path: str, values: dict[str, object], why: str
) -> None:
    await connect(speaking)
    with pytest.raises(BadOption, match=why):
        await home.ann.command(path, given=values)


async def test_a_silent_bot_is_heard_of(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    release = asyncio.Event()
    errors: list[discord.HTTPException] = []

    def sleepy(bot: Bot) -> None:
        @bot.tree.command(description="Sleeps")
        async def sleep(ix: Ix) -> None:
            await release.wait()
            try:
                await ix.response.send_message("too late")
            except discord.HTTPException as error:
                errors.append(error)
                sandbox.core.poke()

    await connect(sleepy)
    used = asyncio.create_task(home.ann.command("sleep"))
    await sandbox.until(lambda: sandbox.interactions and sandbox.interactions[0].delivered_s)
    sandbox.clock.advance(3.01)
    with pytest.raises(NotAnswered, match="did not respond"):
        await used
    release.set()
    await sandbox.until(lambda: errors)
    assert errors[0].code == 10062
    assert {v.rule for v in sandbox.violations} == {"late-acknowledgement"}


async def test_nobody_is_blamed_while_no_bot_is_there(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect(speaking)
    await bot.close()
    await sandbox.until(lambda: not sandbox.online)
    used = asyncio.create_task(home.ann.command("echo", text="hello?"))
    await sandbox.until(lambda: sandbox.interactions)
    sandbox.clock.advance(3.01)
    with pytest.raises(NotAnswered):
        await used
    assert not sandbox.violations


async def test_answering_twice_is_refused(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    codes: list[int] = []

    def hasty(bot: Bot) -> None:
        @bot.tree.command(description="Twice")
        async def twice(ix: Ix) -> None:
            await ix.response.send_message("one")
            # discord.py itself would stop a second answer; another process would not.
            ix.response._response_type = None
            try:
                await ix.response.send_message("two")
            except discord.HTTPException as error:
                codes.append(error.code)
                await ix.followup.send("done")

    await connect(hasty)
    used = await home.ann.command("twice")
    await sandbox.until(lambda: used.followups)
    assert codes == [40060]
    assert [v.rule for v in sandbox.violations] == ["double-acknowledgement"]


async def test_a_token_dies_after_a_quarter_of_an_hour(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    later = asyncio.Event()
    codes: list[int] = []

    def lasting(bot: Bot) -> None:
        @bot.tree.command(description="Lasts")
        async def last(ix: Ix) -> None:
            await ix.response.defer()
            await later.wait()
            try:
                await ix.edit_original_response(content="finally")
            except discord.HTTPException as error:
                codes.append(error.code)
                sandbox.core.poke()

    await connect(lasting)
    await home.ann.command("last")
    sandbox.clock.advance(15 * 60 + 1)
    later.set()
    await sandbox.until(lambda: codes)
    assert codes == [50027]
    assert [v.rule for v in sandbox.violations] == ["token-expired"]


async def test_answers_with_files_and_embeds(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    def rich(bot: Bot) -> None:
        @bot.tree.command(description="Rich")
        async def rich(ix: Ix) -> None:
            embed = discord.Embed(title="t", description="d").set_footer(text="f")
            file = discord.File(io.BytesIO(b"data"), "a.txt")
            await ix.response.send_message("c", embed=embed, file=file)
            original = await ix.original_response()
            await original.edit(content="changed", embeds=[])

    await connect(rich)
    used = await home.ann.command("rich")
    assert used.original is not None
    assert used.original.attachments[0].data == b"data"
    await sandbox.until(lambda: used.original and used.original.content == "changed")
    assert used.original.versions[0].embeds[0]["footer"]["text"] == "f"
    assert used.original.embeds == []
    assert not sandbox.violations


async def test_what_the_bot_is_told_about_an_interaction(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    seen: list[Ix] = []

    def curious(bot: Bot) -> None:
        @bot.tree.command(description="Looks")
        async def look(ix: Ix) -> None:
            seen.append(ix)
            await ix.response.send_message("ok")

    await connect(curious)
    zoe = sandbox.add_member(home.guild, "Zoe", locale="zh-TW")
    await zoe.command("look")
    (ix,) = seen
    assert ix.locale is discord.Locale.taiwan_chinese
    assert ix.guild_locale is discord.Locale.american_english
    assert isinstance(ix.user, discord.Member)
    assert ix.permissions.send_messages
    assert not ix.permissions.kick_members
    assert ix.app_permissions.manage_messages
    assert ix.filesize_limit == 10 * 1024 * 1024
    assert ix.channel is not None
    assert ix.channel.id == home.general.id
    assert sandbox.interactions[0].kind is InteractionKind.COMMAND
