"""How Parley sounds to you: ``/voice set``, ``list``, ``preview``, ``speed``, ``replies``.

Works in direct messages too. It stands in the group ``/voice``; ``cogs/voice.py`` is its cog.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.pages import within
from cogs.replies import PatientView, acknowledge, ask, tell
from cogs.samples import send_sample
from cogs.scene import Scene
from dialogue.personas import SPEED_HIGH, SPEED_LOW
from speech.base import VoiceChoice
from speech.narrator import Manner
from speech.voices import Offered
from storage.errors import StorageError
from storage.records import Replies
from words import N_, Words

if TYPE_CHECKING:
    from cogs.house import House

CHOSEN = N_("From the next sentence on, {voice} speaks to you.")
DEFAULT_VOICE = N_("From the next sentence on, the usual voice speaks to you.")
SPEED = N_("From the next sentence on I speak to you at {speed} times the usual speed.")
DEFAULT_SPEED = N_("From the next sentence on I speak to you at the usual speed.")
OFF = N_("Outside of voice channels you get text only.")
FILE = N_("Outside of voice channels each answer comes with an audio file.")
VOICE_MESSAGE = N_("Outside of voice channels each answer comes with a voice message.")
AS_HERE = N_("Outside of voice channels you hear answers as the server has it.")
VOICES = N_("Voices on this machine. Choose one below to hear it; /voice set makes it yours.")
NO_VOICES = N_("No voice is installed here.")
HEAR = N_("Hear a voice")
SPEAKERS = N_("{n} speaker: {some}")
SPEAKERS_MANY = N_("{n} speakers: {some}")
SAMPLE = N_("Hello! This is how I sound when I read to you.")
NOTHING = N_("There is nothing in it that can be said aloud.")

HOW = {
    Replies.OFF: OFF,
    Replies.FILE: FILE,
    Replies.VOICE_MESSAGE: VOICE_MESSAGE,
    None: AS_HERE,
}
AS_SERVER = "server"
KINDS = [
    app_commands.Choice(name=app_commands.locale_str(N_("text only")), value=Replies.OFF.value),
    app_commands.Choice(name=app_commands.locale_str(N_("audio file")), value=Replies.FILE.value),
    app_commands.Choice(
        name=app_commands.locale_str(N_("voice message")), value=Replies.VOICE_MESSAGE.value
    ),
    app_commands.Choice(name=app_commands.locale_str(N_("as the server has it")), value=AS_SERVER),
]

SHOWN = 25
"""What a select and a completion hold."""
NAMED = 6
LICENCE_SHOWN = 60


class Sound(commands.Cog):
    """The subcommands; their ``self`` is the cog that takes them over."""

    _house: House

    voice = app_commands.Group(name="voice", description=N_("Your voice session, and how I sound"))

    @voice.command(name="set", description=N_("Choose who speaks to you"))
    @app_commands.describe(voice=N_("A voice, or a voice/speaker; leave it out for the usual one"))
    async def choose_voice(
        self, interaction: discord.Interaction, voice: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        """``/voice set``."""
        await acknowledge(interaction, private=True)
        words, preferences = _words(interaction), self._house.dialogue.preferences
        if voice is None:
            await preferences.set_voice(interaction.user.id, None)
            await tell(interaction, words(DEFAULT_VOICE))
            return
        scene = Scene.of_interaction(interaction)
        chosen = await self._house.voices.check(voice, scene.hearer)
        name, _, speaker = chosen.partition("/")
        await preferences.set_voice(interaction.user.id, name, speaker or None)
        await tell(interaction, words(CHOSEN, voice=chosen))

    @voice.command(name="list", description=N_("Which voices there are, each with a sample"))
    async def list_voices(self, interaction: discord.Interaction) -> None:
        """``/voice list``: samples are made when somebody asks for them."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        offered = await self._house.voices.offered(scene.hearer)
        if not offered:
            await tell(interaction, scene.words(NO_VOICES))
            return
        samples = Samples(self._house, scene, offered)
        await ask(interaction, listed(scene.words, offered), samples)

    @voice.command(name="preview", description=N_("Hear a voice, before you choose it"))
    @app_commands.describe(
        voice=N_("A voice, or a voice/speaker; leave it out for yours"),
        text=N_("What it shall say"),
    )
    async def preview(
        self,
        interaction: discord.Interaction,
        voice: app_commands.Range[str, 1, 100] | None = None,
        text: app_commands.Range[str, 1, 300] | None = None,
    ) -> None:
        """``/voice preview``: only the one who asks hears it."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        chosen = await house.voices.check(voice, scene.hearer) if voice else None
        if text:
            await house.dialogue.content.spoken(text, await house.manners.guild(scene.guild_id))
        manner = await sounding_as(house, scene, chosen)
        if not await send_sample(interaction, house, scene, manner, text or scene.words(SAMPLE)):
            await tell(interaction, scene.words(NOTHING))

    @voice.command(name="speed", description=N_("How fast I speak to you"))
    @app_commands.describe(factor=N_("1 is usual, 1.5 is half as fast again; leave out for usual"))
    async def speed(
        self,
        interaction: discord.Interaction,
        factor: app_commands.Range[float, SPEED_LOW, SPEED_HIGH] | None = None,
    ) -> None:
        """``/voice speed``."""
        await acknowledge(interaction, private=True)
        await self._house.dialogue.preferences.set_speed(interaction.user.id, factor)
        words = _words(interaction)
        await tell(interaction, words(SPEED, speed=factor) if factor else words(DEFAULT_SPEED))

    @voice.command(name="replies", description=N_("How you hear answers outside of voice channels"))
    @app_commands.describe(kind=N_("Text only, a file, or a voice message"))
    @app_commands.choices(kind=KINDS)
    async def replies(
        self, interaction: discord.Interaction, kind: app_commands.Choice[str]
    ) -> None:
        """``/voice replies``."""
        await acknowledge(interaction, private=True)
        chosen = None if kind.value == AS_SERVER else Replies(kind.value)
        await self._house.dialogue.preferences.set_replies(interaction.user.id, chosen)
        await tell(interaction, _words(interaction)(HOW[chosen]))

    @choose_voice.autocomplete("voice")
    @preview.autocomplete("voice")
    async def completed_voices(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Voices and their speakers."""
        hearer = Scene.of_interaction(interaction).hearer
        try:
            return complete(await self._house.voices.offered(hearer), current)
        except StorageError:
            return []  # who may use which voice is not known now


class Samples(PatientView):
    """A select with the voices; choosing one plays it to whoever chose."""

    def __init__(self, house: House, scene: Scene, offered: tuple[Offered, ...]) -> None:
        super().__init__(timeout=14 * 60)
        self._house = house
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            placeholder=scene.words(HEAR),
            options=[
                discord.SelectOption(label=name[:100], value=name[:100])
                for name in _names(offered)[:SHOWN]
            ],
        )
        self._select = select
        # A callback set on the item itself: its words are known only now.
        select.callback = self._hear  # type: ignore[method-assign]
        self.add_item(select)

    async def _hear(self, interaction: discord.Interaction) -> None:
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        chosen = await self._house.voices.check(self._select.values[0], scene.hearer)
        manner = await sounding_as(self._house, scene, chosen)
        await send_sample(interaction, self._house, scene, manner, scene.words(SAMPLE))


async def sounding_as(house: House, scene: Scene, voice: str | None) -> Manner:
    """The asker's manner, in another voice."""
    manner = await house.manners.of(scene)
    if voice is None:
        return manner
    name, _, speaker = voice.partition("/")
    choice: VoiceChoice = replace(manner.choice, voice=name, speaker=speaker or None)
    return replace(manner, choice=choice)


def listed(words: Words, offered: tuple[Offered, ...]) -> str:
    """Every voice with its languages and some of its speakers; at most 2,000 characters."""
    lines = [words(VOICES)]
    for voice in offered:
        text = f"- `{voice.name}` ({', '.join(voice.languages)})"
        if voice.licence:
            text += f", {discord.utils.escape_markdown(voice.licence[:LICENCE_SHOWN])}"
        if voice.speakers:
            some = ", ".join(voice.speakers[:NAMED]) + (
                "\u2026" if len(voice.speakers) > NAMED else ""
            )
            count = len(voice.speakers)
            text += ", " + words.plural(SPEAKERS, SPEAKERS_MANY, count, some=some)
        lines.append(text)
    return within(lines)


def complete(offered: tuple[Offered, ...], current: str) -> list[app_commands.Choice[str]]:
    """The names that hold what was typed; those that begin with it first."""
    wanted = current.strip().casefold()
    found = [name for name in _names(offered) if wanted in name.casefold() and len(name) <= 100]
    found.sort(key=lambda name: not name.casefold().startswith(wanted))
    return [app_commands.Choice(name=name, value=name) for name in found[:SHOWN]]


def _names(offered: tuple[Offered, ...]) -> list[str]:
    return [name for voice in offered for name in voice.names]


def _words(interaction: discord.Interaction) -> Words:
    return Scene.of_interaction(interaction).words
