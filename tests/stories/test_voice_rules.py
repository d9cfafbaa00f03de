"""Voices that appear while Parley runs, and voices that are for some people only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.actor import Actor
from sandbox.permissions import Permission
from speech.base import Line
from tests.stories.community import lines as lines  # a fixture
from tests.stories.community import made, private, told
from tests.stories.test_sounds import JOE, heard
from tests.stories.town import Town
from tests.vits.tiny import FORMS, tiny_config, tiny_tensors
from vits.io.folder import write_voice

ADA = "ada"
RESTRICTED = "only for certain roles"


def put(folder: Path, name: str = ADA, form: str = "three speakers") -> None:
    """A voice of three speakers, put on the shelf as ``python -m vits`` does."""
    config = replace(tiny_config(FORMS[form], name), licence="CC0-1.0", source="Ada agreed")
    write_voice(folder / name, config, tiny_tensors(FORMS[form]))


async def with_shelf(town: Town, folder: Path) -> Path:
    """Switch Parley on with a second, empty shelf."""
    shelf = folder / "shelf"
    town.set("speech", voices=(*town.settings.speech.voices, shelf))
    await town.start()
    return shelf


async def offered(town: Town, who: Actor) -> list[str]:
    """What /voice set completes."""
    return [choice["value"] for choice in await who.autocomplete("voice set", "voice", "")]


def hints(who: Actor) -> list[str]:
    """What told them, privately, that their voice is withheld."""
    return [m.content for m in who.sees() if m.ephemeral and "any more" in m.content]


async def test_a_voice_put_on_the_shelf_is_there_at_once_and_speaks(
    quiet_town: Town, tmp_path: Path, lines: list[Line]
) -> None:
    town, amy = quiet_town, quiet_town.amy
    shelf = await with_shelf(town, tmp_path)
    assert ADA not in (await private(town, await amy.command("voice list"))).content
    put(shelf)
    listed = (await private(town, await amy.command("voice list"))).content
    assert f"`{ADA}` (en), CC0-1.0, 3 speakers" in listed
    assert f"{ADA}/speaker 2" in await offered(town, amy)
    assert "speaker 2 speaks to you" in await told(town, amy, "voice set", voice="ADA/Speaker 2")
    (line,) = await heard(town, lines, "A cab.")
    assert (line.choice.voice, line.choice.speaker) == (ADA, "speaker 2")
    (file,) = (await town.until(lambda: [m for m in town.said() if m.attachments]))[-1:]
    assert file.attachments[0].data.startswith(b"OggS")


async def test_a_restricted_voice_speaks_to_nobody_without_the_role_by_any_path(
    quiet_town: Town, tmp_path: Path, lines: list[Line]
) -> None:
    town, amy, ben = quiet_town, quiet_town.amy, quiet_town.ben
    put(tmp_path / "shelf")
    # A second voice is the only one that reads Chinese: nobody chooses it, it is cast.
    config = replace(tiny_config(FORMS["one speaker"], "mei"), languages=("zh-TW",))
    write_voice(tmp_path / "shelf" / "mei", config, tiny_tensors(FORMS["one speaker"]))
    await with_shelf(town, tmp_path)
    role = town.sandbox.add_role(town.guild, "Family")
    town.owner.moderate.give_role(town.guild, amy, role)

    # What was stored before the rule: a preference, a persona of one's own, the server's voice.
    await told(town, ben, "voice set", voice=f"{ADA}/speaker 1")
    await made(town, ben, "Bard", "Sing.", voice=ADA)
    said = await told(town, town.owner, "mod voice", voice=ADA, role=role)
    assert f"`{ADA}`: only <@&{role.id}>" in said
    await told(town, town.owner, "mod voice", voice="mei", role=role)
    assert "changed which voices" in await told(town, town.owner, "mod log")

    assert f"{ADA}/speaker 1" in await offered(town, amy)
    assert not [name for name in await offered(town, ben) if name.startswith(ADA)]
    assert ADA not in (await private(town, await ben.command("voice list"))).content
    for name in (ADA, f"{ADA}/speaker 1", "Ada/0"):
        for path in ("voice set", "voice preview"):
            refused = await told(town, ben, path, voice=name)
            assert RESTRICTED in refused or "no voice called" in refused
    assert RESTRICTED in await made(town, ben, "Skald", "Sing.", voice=f"{ADA}/speaker 1")
    sample = await private(town, await ben.command("voice list"))
    assert ADA not in str(sample.components)

    async def speaks(who: Actor, text: str = "A cab.") -> set[str]:
        return {line.choice.voice for line in await heard_by(town, who, lines, text)}

    assert await speaks(ben) == {JOE}
    (hint,) = await town.until(lambda: hints(ben))
    assert f"may not use the voice {ADA}" in hint
    assert await speaks(ben) == {JOE}
    assert "mei" not in await speaks(ben, "你好。")
    assert "mei" in await speaks(amy, "你好。")
    await told(town, ben, "voice set", voice=JOE)
    await told(town, ben, "voice set")
    await told(town, ben, "persona set", name="Bard")
    assert await speaks(ben) == {JOE}
    await told(town, ben, "persona clear")
    async with town.house.database.writing():
        settings = await town.house.database.guilds.settings(town.guild.id)
        await town.house.database.guilds.save_settings(replace(settings, voice=f"{ADA}/speaker 0"))
    assert await speaks(ben) == {JOE}
    assert await speaks(amy) == {ADA}
    del lines[:]
    await ben.dm("Hello.")  # a server's rule ends where the server ends
    await town.until(lambda: lines)  # its sound is made with what held when it was asked for
    await town.joined(ben)
    await told(town, ben, "voice set", where=ben.direct, voice=ADA)
    del lines[:]
    assert "saying it" in await told(town, ben, "say", text="A cab.")
    await town.until(lambda: lines)
    assert {line.choice.voice for line in lines} == {JOE}


async def test_who_loses_the_role_hears_the_usual_voice_and_is_told_once(
    quiet_town: Town, tmp_path: Path, lines: list[Line]
) -> None:
    town, ben = quiet_town, quiet_town.ben
    put(tmp_path / "shelf")
    await with_shelf(town, tmp_path)
    role = town.sandbox.add_role(town.guild, "Family")
    moderate = town.owner.moderate
    moderate.give_role(town.guild, ben, role)
    await told(town, town.owner, "mod voice", voice=ADA, role=role, everywhere=True)
    assert f"{ADA} speaks to you" in await told(town, ben, "voice set", voice=ADA)
    sample = await private(town, await ben.command("voice list"))
    (line,) = await heard_by(town, ben, lines)
    assert line.choice.voice == ADA
    moderate.take_role(town.guild, ben, role)
    refused = await ben.choose(sample, [ADA])
    assert RESTRICTED in await town.told(refused)
    (line,) = await heard_by(town, ben, lines)
    assert line.choice.voice == JOE
    await town.until(lambda: hints(ben))
    del lines[:]
    await ben.mention_bot(town.general, "Hello again.")
    await town.until(lambda: lines)
    assert lines[-1].choice.voice == JOE
    assert len(hints(ben)) == 1
    # Everywhere: in direct messages, where nobody has a role, too.
    assert RESTRICTED in await told(town, ben, "voice set", where=ben.direct, voice=ADA)
    moderate.give_role(town.guild, ben, role)
    (line,) = await heard_by(town, ben, lines)
    assert line.choice.voice == ADA
    everyone = town.guild.roles[town.guild.id]
    lifted = await told(town, town.owner, "mod voice", voice=ADA, role=everyone, everywhere=True)
    assert f"Everybody may use {ADA}" in lifted


async def test_who_may_decide_about_voices(quiet_town: Town, tmp_path: Path) -> None:
    town, amy = quiet_town, quiet_town.amy
    put(tmp_path / "shelf")
    await with_shelf(town, tmp_path)
    role = town.sandbox.add_role(town.guild, "Family")
    helper = town.sandbox.add_role(town.guild, "Helper", Permission.MODERATE_MEMBERS)
    admin = town.sandbox.add_role(town.guild, "Admin", Permission.MANAGE_GUILD)
    town.owner.moderate.give_role(town.guild, amy, helper)
    rule: dict[str, Any] = {"voice": ADA, "role": role}
    assert "by people who may manage" in await told(town, amy, "mod voice", **rule)
    town.owner.moderate.give_role(town.guild, amy, admin)
    assert "whoever runs me" in await told(town, amy, "mod voice", **rule, everywhere=True)
    assert "only <@&" in await told(town, amy, "mod voice", **rule)
    assert "only <@&" in await told(town, amy, "mod voice")
    assert "Everybody may use ada" in await told(town, amy, "mod voice", **rule)
    assert "usual voice" in await told(town, amy, "mod voice", voice=JOE, role=role)
    assert "no voice called" in await told(town, amy, "mod voice", voice="../x", role=role)
    names = [c["value"] for c in await amy.autocomplete("mod voice", "voice", "a")]
    assert ADA in names
    assert not [name for name in names if "/" in name]


async def heard_by(town: Town, who: Actor, lines: list[Line], text: str = "A cab.") -> list[Line]:
    """The lines spoken for an answer to ``who``."""
    del lines[:]
    town.endpoint.say(text)
    await town.chat(who, "Say something.")
    await town.until(lambda: lines)
    return list(lines)
