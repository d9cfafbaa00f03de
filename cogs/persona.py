"""``/persona``: who Parley is for you. A bundle of prompt, voice and speed, with its own words."""

from __future__ import annotations

from collections.abc import Mapping

import discord
from discord import app_commands
from discord.ext import commands

from cogs.audit import announce
from cogs.forms import Form, Line
from cogs.house import House
from cogs.pages import within
from cogs.replies import acknowledge, tell
from cogs.rights import moderates_server
from cogs.scene import Scene
from dialogue.errors import BadValue, NotThisServer
from dialogue.personas import NAME_CHARACTERS, SPEED_HIGH, SPEED_LOW
from errors import NotAllowed
from storage.errors import StorageError
from storage.records import Action, Persona, Target
from words import N_, Words

CHOSEN = N_("You talk with {name} now. /persona clear takes it back.")
CLEARED = N_("You talk with the usual persona again.")
USUAL = N_("You talk with me as my owner made me; nobody has set a persona here.")
SHOWN = N_("You talk with **{name}** ({whose}).\nVoice: {voice}. Speed: {speed}.\n>>> {prompt}")
MINE = N_("yours")
SERVERS = N_("the server's")
AS_USUAL = N_("as usual")
NONE = N_("There are no personas here yet. /persona make makes one.")
LISTED = N_("- **{name}** ({whose})")
LOCKED = N_("The moderators of this server have locked the persona.")
SAVED = N_("Saved: {name}. /persona set chooses it.")
DELETED = N_("Deleted: {name}.")

TITLE = N_("A persona")

OWN, SERVER = "mine", "server"
Whose = app_commands.Choice[str]
LEVELS = [
    app_commands.Choice(name=app_commands.locale_str(N_("for me")), value=OWN),
    app_commands.Choice(name=app_commands.locale_str(N_("for this server")), value=SERVER),
]
LINES = (
    Line("name", N_("Name"), NAME_CHARACTERS, required=True),
    Line("prompt", N_("Prompt: who I am and how I talk"), 4000, required=True, long=True),
    Line("voice", N_("Voice (empty: as usual)"), 100),
    Line("speed", N_("Speed, 0.5 to 2 (empty: as usual)"), 5),
)


class NotYourPersona(NotAllowed):
    """The server's personas are its moderators' business."""

    sentence = N_("Only moderators of this server can change its personas.")


class Personas(commands.Cog):
    """Works in direct messages too, with personas of one's own."""

    group = app_commands.Group(name="persona", description=N_("Who I am for you"))

    def __init__(self, house: House) -> None:
        self._house = house

    @group.command(name="set", description=N_("Choose who I am for you here"))
    @app_commands.describe(name=N_("Which persona"))
    async def choose(self, interaction: discord.Interaction, name: str) -> None:
        """``/persona set``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        chosen = await self._house.dialogue.personas.choose(scene.user.id, scene.guild_id, name)
        await tell(interaction, scene.words(CHOSEN, name=chosen.name))

    @group.command(name="show", description=N_("Who I am for you here"))
    async def show(self, interaction: discord.Interaction) -> None:
        """``/persona show``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        active = await self._house.dialogue.personas.active(
            scene.user.id, scene.guild_id, scene.channel_id, scene.role_ids
        )
        text = scene.words(USUAL) if active is None else described(scene.words, active)
        await tell(interaction, text if len(text) <= 2000 else text[:1999] + "\u2026")

    @group.command(name="clear", description=N_("Talk with the usual persona again"))
    async def clear(self, interaction: discord.Interaction) -> None:
        """``/persona clear``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        await self._house.dialogue.personas.clear(scene.user.id, scene.guild_id)
        await tell(interaction, scene.words(CLEARED))

    @group.command(name="list", description=N_("Which personas you can choose here"))
    async def entries(self, interaction: discord.Interaction) -> None:
        """``/persona list``."""
        await acknowledge(interaction, private=True)
        scene, words = Scene.of_interaction(interaction), Scene.of_interaction(interaction).words
        found = await self._house.dialogue.personas.list(scene.user.id, scene.guild_id)
        lines = []
        if scene.guild_id:
            settings = await self._house.database.guilds.settings(scene.guild_id)
            lines += [words(LOCKED)] if settings.persona_locked else []
        lines += [words(LISTED, name=each.name, whose=_whose(words, each)) for each in found]
        await tell(interaction, within(lines) or words(NONE))

    @group.command(name="make", description=N_("Make a persona, or change one"))
    @app_commands.describe(level=N_("For yourself, or for everybody here (moderators)"))
    @app_commands.choices(level=LEVELS)
    async def make(self, interaction: discord.Interaction, level: Whose | None = None) -> None:
        """``/persona make``: a form."""
        for_guild = await self._for_guild(interaction, level)

        async def filled(form: discord.Interaction, values: Mapping[str, str]) -> None:
            await self._save(form, values, for_guild=for_guild)

        words = Scene.of_interaction(interaction).words
        await interaction.response.send_modal(Form(words, TITLE, LINES, filled))

    async def _save(
        self, interaction: discord.Interaction, values: Mapping[str, str], *, for_guild: bool
    ) -> None:
        await acknowledge(interaction, private=True)
        scene, house, voice = Scene.of_interaction(interaction), self._house, values["voice"]
        saved = await house.dialogue.personas.save(
            scene.user.id,
            scene.guild_id,
            values["name"],
            values["prompt"],
            voice=await house.voices.check(voice, scene.hearer) if voice else None,
            speed=_number(values["speed"]),
            for_guild=for_guild,
        )
        if for_guild:
            await audited(house, scene, Action.PERSONA_SAVE)
        await tell(interaction, scene.words(SAVED, name=saved.name))

    @group.command(name="delete", description=N_("Delete a persona"))
    @app_commands.describe(
        name=N_("Which persona"), level=N_("Your own, or the server's (moderators)")
    )
    @app_commands.choices(level=LEVELS)
    async def delete(
        self, interaction: discord.Interaction, name: str, level: Whose | None = None
    ) -> None:
        """``/persona delete``."""
        await acknowledge(interaction, private=True)
        for_guild = await self._for_guild(interaction, level)
        scene, house = Scene.of_interaction(interaction), self._house
        gone = await house.dialogue.personas.delete(
            scene.user.id, scene.guild_id, name, for_guild=for_guild
        )
        if for_guild:
            await audited(house, scene, Action.PERSONA_DELETE)
        await tell(interaction, scene.words(DELETED, name=gone.name))

    @choose.autocomplete("name")
    @delete.autocomplete("name")
    async def names(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """What can be chosen here."""
        return await autocompleted(
            self._house, interaction.user.id, interaction.guild_id or 0, current
        )

    async def _for_guild(self, interaction: discord.Interaction, level: Whose | None) -> bool:
        """Raises ``NotThisServer``, :class:`NotYourPersona`."""
        if level is None or level.value == OWN:
            return False
        if not interaction.guild_id:
            raise NotThisServer
        if not await moderates_server(self._house.database, interaction):
            raise NotYourPersona
        return True


async def audited(house: House, scene: Scene, action: Action) -> None:
    """An entry for what was done to the server's personas."""
    acted = await house.dialogue.moderators.record(
        scene.guild_id, scene.user.id, action, Target.GUILD, scene.guild_id
    )
    await announce(house, scene, acted)


async def autocompleted(
    house: House, person_id: int, guild_id: int, current: str
) -> list[app_commands.Choice[str]]:
    """Personas whose name holds what was typed; none while the store is away."""
    try:
        found = await house.dialogue.personas.list(person_id, guild_id)
    except StorageError:
        return []
    names = dict.fromkeys(persona.name for persona in found)
    wanted = current.strip().casefold()
    return [
        app_commands.Choice(name=name, value=name) for name in names if wanted in name.casefold()
    ][:25]


def described(words: Words, persona: Persona) -> str:
    """A persona as its user sees it."""
    return words(
        SHOWN,
        name=persona.name,
        whose=_whose(words, persona),
        voice=persona.voice or words(AS_USUAL),
        speed=persona.speed or words(AS_USUAL),
        prompt=persona.prompt,
    )


def _whose(words: Words, persona: Persona) -> str:
    return words(MINE if persona.owner_id else SERVERS)


def _number(text: str) -> float | None:
    """A speed as it was typed; None where nothing was. Raises ``BadValue``."""
    if not text.strip():
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise BadValue(low=SPEED_LOW, high=SPEED_HIGH) from None
