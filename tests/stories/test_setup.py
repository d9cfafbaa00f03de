"""An administrator sets Parley up; each choice holds at once, and is on the record."""

from __future__ import annotations

import pytest

from sandbox.permissions import Permission
from sandbox.records import Interaction, Message
from tests.stories.community import house_of, private, told
from tests.stories.town import Town, finished


async def page(town: Town, number: int) -> Message:
    """A page of /setup."""
    shown = await private(town, await town.owner.command("setup"))
    for n in range(2, number + 1):
        await town.owner.click(shown, "Next")
        await town.until(lambda n=n: f"({n} of 3)" in shown.content)
    return shown


async def shows(town: Town, message: Message, text: str) -> None:
    """Wait until a page says something."""
    await town.until(lambda: text in message.content)


async def test_where_parley_talks_and_who_moderates(quiet_town: Town) -> None:
    town = quiet_town
    town.set("discord", message_content=True)
    await town.start()
    owner, sandbox = town.owner, town.sandbox
    den = sandbox.add_text_channel(town.guild, "talk")
    log = sandbox.add_text_channel(town.guild, "log")
    role = sandbox.add_role(town.guild, "helpers", Permission(0))
    cat = sandbox.add_member(town.guild, "cat", roles=(role,))
    await town.amy.say(den, "Anybody?")
    shown = await page(town, 1)
    await owner.choose(shown, [den], which="Channel in which I answer everything")
    await shows(town, shown, f"I answer everything in: <#{den.id}>")
    await owner.choose(shown, [log], which="Channel for what moderators do")
    await shows(town, shown, f"posted in: <#{log.id}>")
    await owner.choose(shown, [role], which="Role that may act for others")
    await shows(town, shown, f"<@&{role.id}>")

    await town.amy.say(den, "And now?")
    (answer,) = await town.answers(1, den)
    assert answer.content == "You said: And now?"
    await town.amy.say(den, f"{town.ben.mention} hello, you")
    await town.amy.say(None, "Not for the bot.")
    await town.amy.say(den, "Again.")
    await town.answers(2, den)
    assert [request.asked for request in town.endpoint.chats] == ["And now?", "Again."]

    post, *_ = await town.until(lambda: town.said(log))
    assert f"<@{owner.id}>: changed the settings of this server" in post.content
    assert not post.pinged
    await told(town, owner, "mod block", member=town.ben.user)
    await town.until(lambda: any("blocked" in m.content for m in town.said(log)))
    # The role makes a moderator where Discord's permissions alone would not.
    form = await cat.command("persona make", level="server")
    assert form.modal is not None

    await owner.choose(shown, [], which="Channel in which I answer everything")
    await shows(town, shown, "I answer everything in: nowhere")
    await town.restart()
    again = await page(town, 1)
    assert f"<#{log.id}>" in again.content


async def test_how_parley_speaks_here(town: Town) -> None:
    owner = town.owner
    shown = await page(town, 2)
    await owner.choose(shown, ["audio file"], which="Answers outside of voice channels")
    await shows(town, shown, "Answers outside of voice channels: audio file")
    await owner.choose(shown, ["en_US-joe-medium"], which="Voice")
    await shows(town, shown, "Voice: en_US-joe-medium")
    await owner.choose(shown, ["\u65e5\u672c\u8a9e"], which="Language")
    await shows(town, shown, "Language: \u65e5\u672c\u8a9e")
    settings = await house_of(town).database.guilds.settings(town.guild.id)
    assert (settings.locale, settings.voice) == ("ja", "en_US-joe-medium")
    await town.chat(town.amy, "Hello.")
    (file,) = await town.until(lambda: [m for m in town.said() if m.attachments])
    assert file.attachments[0].filename == "reply.ogg"
    await owner.click(shown, "Back")
    await shows(town, shown, "(1 of 3)")


async def test_what_parley_may_do_here(town: Town) -> None:
    owner, amy = town.owner, town.amy
    shown = await page(town, 3)
    for label, line in (
        ("Tools", "Tools (time, dice): on"),
        ("Summary", "Summing up what no longer fits: on"),
        ("Lock personas", "Personas locked: on"),
    ):
        await owner.click(shown, label)
        await shows(town, shown, line)
    await owner.click(shown, "Tools")
    await shows(town, shown, "Tools (time, dice): off")

    async def filled(label: str, **values: str) -> Interaction:
        form = await owner.click(shown, label)
        return await owner.submit(form, values)

    await filled("Refused words\u2026", words="Kraken\n\n  sea   monster \nKraken")
    await shows(town, shown, "2 refused words")
    refused = await amy.command("chat", text="Tell me of the KRAKEN!")
    assert "can't talk about that here" in await town.told(refused)
    await filled("Forget after\u2026", days="30")
    await shows(town, shown, "30 days")
    wrong = await filled("Forget after\u2026", days="soon")
    assert "a number from 1 to 3650" in await town.told(wrong)
    await filled("Limits\u2026", tokens="10", seconds="60", seats="2")
    await shows(town, shown, "10 tokens, 60 s of speech")
    assert "Voice sessions at once: 2" in shown.content
    spent = await amy.command("chat", text="Hello.")
    assert "used up" in await town.told(spent)
    await filled("Limits\u2026", tokens="", seconds="", seats="0")
    await shows(town, shown, "unlimited tokens")
    answered = await amy.command("chat", text="Hello.")
    await town.until(lambda: finished(answered))
    log = await told(town, owner, "mod log")
    assert "locked or unlocked the personas" in log
    assert log.count("the daily quota of everyone") == 2  # set, removed
    assert "Kraken" not in log


async def test_without_the_right_intent_setup_says_so(town: Town) -> None:
    shown = await page(town, 1)
    await town.owner.choose(shown, [town.general], which="Channel in which I answer everything")
    await shows(town, shown, "cannot read messages")


async def test_a_server_that_threw_parley_out_keeps_it_from_no_other(
    quiet_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town = quiet_town
    gone = town.sandbox.add_guild("Island", bot_permissions=None)
    town.set("discord", command_guilds=(gone.id, town.guild.id))
    await town.start()
    assert (await town.chat(town.amy, "Still there?")).content == "You said: Still there?"
    assert f"server {gone.id} takes no commands from me" in caplog.text


async def test_what_needs_parley_in_the_server_is_offered_nowhere_else(town: Town) -> None:
    """An app can be installed for a person, too: /chat is then there in every server."""
    commands = {each.name: each.shape for each in town.sandbox.core.world.commands.values()}
    for name in ("mod", "setup", "queue", "skip", "stop", "say"):
        assert commands[name]["integration_types"] == [0], name
        assert commands[name]["contexts"] == [0], name
    for name in ("chat", "Ask Parley"):
        assert commands[name]["integration_types"] == [0, 1], name
