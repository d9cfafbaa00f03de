"""Messages between members and the bot, with everything that can hang on them."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest

from sandbox.actor import File
from sandbox.cdn import avatar
from sandbox.errors import NotPossible
from sandbox.permissions import Permission
from sandbox.records import Role
from sandbox.server import Sandbox
from tests.sandbox.client import Connect, Home


async def test_a_conversation(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    asked = await home.ann.mention_bot(home.general, "are you there?")
    message = await bot.told.get()
    assert bot.user in message.mentions
    assert message.author.display_name == "Ann"
    reply = await message.reply("yes", mention_author=True)
    shown = home.ann.sees(home.general)[-1]
    assert (shown.content, shown.reply_to) == ("yes", asked.id)
    assert home.ann.pings() == [shown]
    await home.ann.say(home.general, "good", reply_to=shown)
    answer = await bot.told.get()
    assert answer.reference is not None
    assert isinstance(answer.reference.resolved, discord.Message)
    assert answer.reference.resolved.id == reply.id
    assert answer.mentions == [bot.user]
    assert not sandbox.violations


async def test_edits_and_deletions_are_told_and_remembered(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    sent = await bot.text().send("one")
    await sent.edit(content="two")
    await sent.edit(embed=discord.Embed(title="three"))
    shown = sandbox.messages(home.general)[0]
    assert [v.content for v in shown.versions] == ["one", "two", "two"]
    assert shown.versions[2].embeds[0]["title"] == "three"
    assert shown.versions[0].at_s <= shown.versions[1].at_s
    await sent.delete()
    assert shown.deleted
    assert home.ann.sees(home.general) == []

    def from_ann(message: discord.Message) -> bool:
        return message.author.id == home.ann.id

    edited = asyncio.create_task(bot.wait_for("message_edit"))
    gone = asyncio.create_task(bot.wait_for("message_delete", check=from_ann))
    mine = await home.ann.say(home.general, "helo")
    await bot.told.get()
    await home.ann.edit(mine, "hello")
    before, after = await asyncio.wait_for(edited, 5)
    assert (before.content, after.content) == ("helo", "hello")
    await home.ann.delete(mine)
    assert (await asyncio.wait_for(gone, 5)).content == "hello"


async def test_history_is_read_in_pages(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    sent = [await home.ann.say(home.general, f"line {n}") for n in range(130)]
    read = [m.content async for m in bot.text().history(limit=None, oldest_first=True)]
    assert read == [f"line {n}" for n in range(130)]
    last = [m.content async for m in bot.text().history(limit=2)]
    assert last == ["line 129", "line 128"]
    middle = discord.Object(sent[60].id)
    around = [m.id async for m in bot.text().history(limit=5, around=middle)]
    assert sent[60].id in around
    assert len(around) == 5
    one = await bot.text().fetch_message(sent[7].id)
    assert one.content == "line 7"
    with pytest.raises(discord.NotFound) as missing:
        await bot.text().fetch_message(1)
    assert missing.value.code == 10008
    assert not sandbox.violations


async def test_attachments_go_both_ways(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    picture = avatar(2, size=40)
    await home.ann.say(home.general, "look", attachments=[File("my cat.png", picture)])
    message = await bot.told.get()
    (attachment,) = message.attachments
    assert (attachment.filename, attachment.content_type) == ("my_cat.png", "image/png")
    assert (attachment.width, attachment.height) == (40, 40)
    assert await attachment.read() == picture

    files = [
        discord.File(io.BytesIO(b"OggS"), "reply.ogg", description="spoken"),
        discord.File(io.BytesIO(b"more"), "notes.txt"),
    ]
    sent = await bot.text().send("here", files=files)
    shown = home.ann.sees(home.general)[-1]
    assert [(a.filename, a.content_type) for a in shown.attachments] == [
        ("reply.ogg", "audio/ogg"),
        ("notes.txt", "text/plain"),
    ]
    assert shown.attachments[0].data == b"OggS"
    assert shown.attachments[0].description == "spoken"
    # An edit keeps what it names and adds what is new.
    extra = discord.File(io.BytesIO(b"extra"), "extra.txt")
    await sent.edit(attachments=[sent.attachments[1], extra])
    assert [a.filename for a in shown.attachments] == ["notes.txt", "extra.txt"]
    await sent.edit(content="still here")
    assert len(shown.attachments) == 2


async def test_a_stranger_cannot_read_attachments_by_guessing(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    said = await home.ann.say(home.general, "", attachments=[File("a.txt", b"secret")])
    (message,) = [await bot.told.get()]
    url = message.attachments[0].url.replace(str(said.channel_id), "1")
    with pytest.raises(discord.NotFound):
        await bot.http.get_from_cdn(url)


async def test_a_voice_message(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    """discord.py has no public way for it, so the request is made by hand."""
    bot = await connect()
    form = voice_form({"flags": 1 << 13}, duration_secs=1.5, waveform="AAAA")
    route = discord.http.Route(
        "POST", "/channels/{channel_id}/messages", channel_id=home.general.id
    )
    sent = await bot.http.request(route, form=form)
    assert sent["flags"] == 1 << 13
    assert sent["attachments"][0]["duration_secs"] == 1.5
    assert not sandbox.violations
    with pytest.raises(discord.HTTPException) as edit:
        await bot.text().get_partial_message(int(sent["id"])).edit(content="x")
    assert edit.value.code == 50162


def voice_form(payload: dict[str, object], **metadata: object) -> list[dict[str, object]]:
    """A multipart body with one sound in it."""
    note = {"id": "0", "filename": "voice-message.ogg", **metadata}
    body = discord.utils._to_json({**payload, "attachments": [note]})
    return [
        {"name": "payload_json", "value": body},
        {
            "name": "files[0]",
            "value": b"OggS",
            "filename": "voice-message.ogg",
            "content_type": "audio/ogg",
        },
    ]


@pytest.mark.parametrize(
    ("payload", "metadata", "code"),
    [
        ({"content": "hi"}, {"duration_secs": 1, "waveform": "AA=="}, 50159),
        ({}, {"duration_secs": 1}, 50161),
        ({}, {"waveform": "AA=="}, 50161),
    ],
)
async def test_a_voice_message_with_more_or_less_is_refused(
    connect: Connect,
    sandbox: Sandbox,
    home: Home,
    payload: dict[str, object],
    metadata: dict[str, object],
    code: int,
) -> None:
    bot = await connect()
    form = voice_form({"flags": 1 << 13, **payload}, **metadata)
    route = discord.http.Route(
        "POST", "/channels/{channel_id}/messages", channel_id=home.general.id
    )
    with pytest.raises(discord.HTTPException) as refused:
        await bot.http.request(route, form=form)
    assert refused.value.code == code
    assert [v.rule for v in sandbox.violations] == ["voice-message"]


async def test_mentions_notify_only_whom_they_may(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    loud = sandbox.add_role(home.guild, "loud", mentionable=True)
    quiet = sandbox.add_role(home.guild, "quiet")
    home.owner.moderate.give_role(home.guild, home.ann, loud)
    home.owner.moderate.give_role(home.guild, home.ben, quiet)
    text = f"{home.ann.mention} <@&{quiet.id}> @everyone"
    none = await bot.text().send(text, allowed_mentions=discord.AllowedMentions.none())
    assert none.mentions == []
    assert home.ann.pings() == []
    # The bot may not mention everyone, nor roles that are not mentionable.
    some = await bot.text().send(text)
    assert [m.name for m in some.mentions] == ["Ann"]
    assert (some.role_mentions, some.mention_everyone) == ([], False)
    role = await bot.text().send(f"<@&{loud.id}>")
    assert [m.id for m in home.ann.pings()] == [some.id, role.id]
    assert home.ben.pings() == []
    only_ben = discord.AllowedMentions(users=[discord.Object(home.ben.id)])
    await bot.text().send(f"{home.ann.mention} {home.ben.mention}", allowed_mentions=only_ben)
    assert len(home.ann.pings()) == 2
    assert len(home.ben.pings()) == 1
    # The owner may mention everyone.
    await home.owner.say(home.general, "@everyone hear me")
    assert (await bot.told.get()).mention_everyone


async def test_an_edit_mentions_without_notifying(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    sent = await bot.text().send("hello")
    await sent.edit(content=f"hello {home.ann.mention}")
    assert sandbox.messages(home.general)[0].mention_ids == [home.ann.id]
    assert home.ann.pings() == []


async def test_reactions(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    added = asyncio.create_task(bot.wait_for("raw_reaction_add"))
    said = await home.ann.say(home.general, "vote")
    message = await bot.told.get()
    await message.add_reaction("👍")
    await home.ben.react(said, "👍")
    assert (await asyncio.wait_for(added, 5)).emoji.name == "👍"
    assert said.reactions == {"👍": [sandbox.bot.id, home.ben.id]}
    fetched = await bot.text().fetch_message(said.id)
    assert fetched.reactions[0].count == 2
    assert {u.id async for u in fetched.reactions[0].users()} == {sandbox.bot.id, home.ben.id}
    await message.remove_reaction("👍", bot.user)
    await fetched.clear_reactions()
    assert said.reactions == {}
    assert not sandbox.violations


async def test_direct_messages(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    await home.ann.dm("psst")
    message = await bot.told.get()
    assert isinstance(message.channel, discord.DMChannel)
    assert message.guild is None
    await message.channel.send("yes?")
    user = await bot.fetch_user(home.ben.id)
    await user.send("you are next")
    assert [m.content for m in home.ann.sees(home.ann.direct)] == ["psst", "yes?"]
    assert [m.content for m in home.ben.sees(home.ben.direct)] == ["you are next"]
    assert home.ben.sees(home.ann.direct) == []
    home.ben.user.dms_open = False
    with pytest.raises(discord.Forbidden) as closed:
        await user.send("still there?")
    assert closed.value.code == 50007
    # People may close their direct messages: no rule was broken.
    assert not sandbox.violations


async def test_a_nonce_keeps_a_retry_from_sending_twice(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    one = await bot.text().send("once", nonce="abc")
    two = await bot.text().send("once", nonce="abc")
    assert one.id == two.id
    assert one.nonce == "abc"


async def test_a_nonce_is_short(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    assert (await bot.text().send("fits", nonce="n" * 25)).nonce == "n" * 25
    with pytest.raises(discord.HTTPException) as long:
        await bot.text().send("does not", nonce="n" * 26)
    assert long.value.code == 50035
    assert [violation.rule for violation in sandbox.violations] == ["nonce"]


async def test_a_reply_to_what_is_gone_fails_or_is_none(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    asked = await home.ann.say(home.general, "forget it")
    reference = discord.MessageReference(message_id=asked.id, channel_id=home.general.id)
    await home.ann.delete(asked)
    with pytest.raises(discord.HTTPException) as gone:
        await bot.text().send("about that", reference=reference)
    assert gone.value.code == 50035
    reference.fail_if_not_exists = False
    sent = await bot.text().send("about that", reference=reference)
    assert (sent.type, sent.reference) == (discord.MessageType.default, None)
    assert not sandbox.violations


async def test_bulk_delete_and_pins(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot = await connect()
    for n in range(3):
        await home.ann.say(home.general, str(n))
    found = [m async for m in bot.text().history()]
    bulk = asyncio.create_task(bot.wait_for("bulk_message_delete"))
    await bot.text().delete_messages(found[:2])
    assert len(await asyncio.wait_for(bulk, 5)) == 2
    assert [m.content for m in home.ann.sees(home.general)] == ["0"]
    grant(home, home.guild.roles[home.guild.id], Permission.PIN_MESSAGES)
    pinned = asyncio.create_task(bot.wait_for("guild_channel_pins_update"))
    await found[2].pin()
    await asyncio.wait_for(pinned, 5)
    assert [m.id async for m in bot.text().pins()] == [found[2].id]


def grant(home: Home, role: Role, more: Permission) -> None:
    """The owner gives a role more permissions."""
    home.owner.moderate.change_role(home.guild, role, Permission(role.permissions) | more)


async def test_a_webhook_of_a_channel(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    bot_role = next(r for r in home.guild.roles.values() if r.managed_by)
    grant(home, bot_role, Permission.MANAGE_WEBHOOKS)
    bot = await connect()
    told = asyncio.create_task(bot.wait_for("webhooks_update"))
    hook = await bot.text().create_webhook(name="Herald")
    await asyncio.wait_for(told, 5)
    sent = await hook.send("hear ye", wait=True, username="Town crier")
    assert sent.author.name == "Town crier"
    assert (await bot.told.get()).webhook_id == hook.id
    assert [w.id for w in await bot.text().webhooks()] == [hook.id]
    await sent.delete()
    await hook.delete()
    assert not sandbox.violations


async def test_a_member_can_only_do_what_their_client_lets_them(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    bot = await connect()
    sent = await bot.text().send("mine")
    shown = sandbox.messages(home.general)[0]
    with pytest.raises(NotPossible, match="someone else"):
        await home.ann.edit(shown, "yours")
    with pytest.raises(NotPossible, match="2000"):
        await home.ann.say(home.general, "x" * 2001)
    with pytest.raises(NotPossible, match="empty"):
        await home.ann.say(home.general, "  ")
    await sent.delete()
    with pytest.raises(NotPossible, match="deleted"):
        await home.ann.react(shown, "👍")
