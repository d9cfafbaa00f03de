"""``/dict``: how words are said. One's own entries, the server's, everybody's."""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.ext import commands

from cogs.audit import announce
from cogs.house import House
from cogs.places import QUIET
from cogs.replies import acknowledge, tell
from cogs.samples import send_sample
from cogs.scene import Scene, guild_permissions
from cogs.sounding import speak_in
from dialogue.errors import FileTooLarge, NotThisServer, PersonaMissing
from errors import BadInput, NotAllowed
from storage.records import Action, Persona, Pronunciation, Scope, Target
from words import N_, Words

ADDED = N_("From the next sentence on I say \u201c{spoken}\u201d for \u201c{term}\u201d.")
REMOVED = N_("\u201c{term}\u201d is out of the dictionary.")
EMPTY = N_("That dictionary is empty.")
MORE = N_("and {n} more; /dict export has all of them")
IMPORTED = N_("{n} entry is in the dictionary now.")
IMPORTED_MANY = N_("{n} entries are in the dictionary now.")
EXPORTED = N_("The dictionary, for any spreadsheet.")

FILE_BYTES = 512 * 1024
SHOWN = 40

Level = app_commands.Choice[str]
LEVELS = [
    app_commands.Choice(name=app_commands.locale_str(N_("mine")), value=Scope.PERSON.value),
    app_commands.Choice(
        name=app_commands.locale_str(N_("my persona's")), value=Scope.PERSONA.value
    ),
    app_commands.Choice(name=app_commands.locale_str(N_("this server's")), value=Scope.GUILD.value),
    app_commands.Choice(name=app_commands.locale_str(N_("everybody's")), value=Scope.GLOBAL.value),
]


class NoSuchEntry(BadInput):
    """Nothing of that name is in the dictionary."""

    sentence = N_("That is not in the dictionary.")


class NotYourDictionary(NotAllowed):
    """The server's needs Manage Server, everybody's is the owner's."""

    sentence = N_(
        "The server's dictionary is for people who may manage the server, "
        "everybody's for whoever runs me."
    )


class Dictionary(commands.Cog):
    """Reading is for all; changing the server's needs Manage Server, everybody's the owner."""

    group = app_commands.Group(name="dict", description=N_("How I say words"))

    def __init__(self, house: House) -> None:
        self._house = house

    @group.command(name="add", description=N_("Have a word said differently, and hear it"))
    @app_commands.describe(
        word=N_("As it is written"), spoken=N_("As it is said"), level=N_("Whose dictionary")
    )
    @app_commands.choices(level=LEVELS)
    async def add(
        self,
        interaction: discord.Interaction,
        word: str,
        spoken: str,
        level: Level | None = None,
    ) -> None:
        """``/dict add``, with a preview."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        scope, scope_id = await self._owned(interaction, level)
        guild = await self._house.manners.guild(scene.guild_id)
        await self._house.dialogue.content.spoken(spoken, guild)
        entry = await self._house.dialogue.dictionaries.add(scope, scope_id, word, spoken)
        await self._changed(scene, scope)
        await tell(interaction, scene.words(ADDED, term=entry.term, spoken=entry.spoken))
        await self._preview(interaction, scene, entry)

    @group.command(name="remove", description=N_("Have a word said as it is written again"))
    @app_commands.describe(word=N_("As it is written"), level=N_("Whose dictionary"))
    @app_commands.choices(level=LEVELS)
    async def remove(
        self, interaction: discord.Interaction, word: str, level: Level | None = None
    ) -> None:
        """``/dict remove``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        scope, scope_id = await self._owned(interaction, level)
        if not await self._house.dialogue.dictionaries.remove(scope, scope_id, word):
            raise NoSuchEntry
        await self._changed(scene, scope)
        await tell(interaction, scene.words(REMOVED, term=word[:100]))

    @group.command(name="list", description=N_("What is in a dictionary"))
    @app_commands.describe(level=N_("Whose dictionary"))
    @app_commands.choices(level=LEVELS)
    async def entries(self, interaction: discord.Interaction, level: Level | None = None) -> None:
        """``/dict list``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        entries = await self._house.dialogue.dictionaries.list(*(await self._of(scene, level)))
        await tell(interaction, listed(scene.words, entries))

    @group.command(name="import", description=N_("Add the lines of a CSV file: word, spoken"))
    @app_commands.describe(file=N_("A CSV file"), level=N_("Whose dictionary"))
    @app_commands.choices(level=LEVELS)
    async def import_(
        self,
        interaction: discord.Interaction,
        file: discord.Attachment,
        level: Level | None = None,
    ) -> None:
        """``/dict import``: all lines or none."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        scope, scope_id = await self._owned(interaction, level)
        if file.size > FILE_BYTES:
            raise FileTooLarge(limit=FILE_BYTES / 2**20)
        data, guild = await file.read(), await self._house.manners.guild(scene.guild_id)

        async def check(spoken: str) -> None:
            await self._house.dialogue.content.spoken(spoken, guild)

        count = await self._house.dialogue.dictionaries.import_csv(scope, scope_id, data, check)
        await self._changed(scene, scope)
        await tell(interaction, scene.words.plural(IMPORTED, IMPORTED_MANY, count))

    @group.command(name="export", description=N_("Get a dictionary as a CSV file"))
    @app_commands.describe(level=N_("Whose dictionary"))
    @app_commands.choices(level=LEVELS)
    async def export(self, interaction: discord.Interaction, level: Level | None = None) -> None:
        """``/dict export``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        data = await self._house.dialogue.dictionaries.export_csv(*(await self._of(scene, level)))
        await interaction.followup.send(
            scene.words(EXPORTED),
            file=discord.File(io.BytesIO(data), "dictionary.csv"),
            ephemeral=True,
            allowed_mentions=QUIET,
        )

    async def _owned(
        self, interaction: discord.Interaction, level: Level | None
    ) -> tuple[Scope, int]:
        """Whose dictionary, if they may change it. Raises :class:`NotYourDictionary`."""
        scene, house = Scene.of_interaction(interaction), self._house
        scope, scope_id = await self._of(scene, level)
        if scope is Scope.GLOBAL:
            allowed = await house.client.is_owner(interaction.user)
        elif scope is Scope.GUILD:
            allowed = guild_permissions(interaction).manage_guild
        elif scope is Scope.PERSONA:
            persona = await self._persona(scene)
            mine = persona is not None and persona.owner_id == scene.user.id
            allowed = mine or guild_permissions(interaction).manage_guild
        else:
            allowed = True
        if not allowed:
            raise NotYourDictionary
        return scope, scope_id

    async def _of(self, scene: Scene, level: Level | None) -> tuple[Scope, int]:
        """Whose dictionary. Raises ``NotThisServer``, ``PersonaMissing``."""
        scope = Scope(level.value) if level else Scope.PERSON
        if scope is Scope.GUILD and not scene.guild_id:
            raise NotThisServer
        if scope is Scope.PERSONA:
            persona = await self._persona(scene)
            if persona is None:
                raise PersonaMissing
            return scope, persona.id
        owner = {Scope.PERSON: scene.user.id, Scope.GUILD: scene.guild_id, Scope.GLOBAL: 0}
        return scope, owner[scope]

    async def _persona(self, scene: Scene) -> Persona | None:
        return await self._house.dialogue.personas.active(
            scene.user.id, scene.guild_id, scene.channel_id, scene.role_ids
        )

    async def _changed(self, scene: Scene, scope: Scope) -> None:
        """Changes of the server's dictionary are in its audit log; the words are not."""
        if scope is Scope.GUILD:
            acted = await self._house.dialogue.moderators.record(
                scene.guild_id, scene.user.id, Action.DICTIONARY, Target.GUILD, scene.guild_id
            )
            await announce(self._house, scene, acted)

    async def _preview(
        self, interaction: discord.Interaction, scene: Scene, entry: Pronunciation
    ) -> None:
        """The word as it sounds now: in their voice session, or as a private file."""
        house, manner = self._house, await self._house.manners.of(scene)
        if not house.director.may_speak(scene.user.id, scene.guild_id):
            await send_sample(interaction, house, scene, manner, entry.term)
            return
        await house.dialogue.quotas.may_speak(scene.user.id, scene.guild_id, scene.role_ids)
        spoken = speak_in(house, scene, manner)
        spoken.feed(entry.term)
        spoken.end()


def listed(words: Words, entries: tuple[Pronunciation, ...]) -> str:
    """The first entries, a line each."""
    if not entries:
        return words(EMPTY)
    lines = [f"{entry.term} \u2192 {entry.spoken}" for entry in entries[:SHOWN]]
    if len(entries) > SHOWN:
        lines.append(words(MORE, n=len(entries) - SHOWN))
    return "\n".join(lines)[:2000]
