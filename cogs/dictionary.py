"""``/dict``: how words are said. One's own entries, the server's, everybody's."""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.ext import commands

from cogs.house import House
from cogs.places import QUIET
from cogs.replies import tell
from cogs.scene import Scene
from cogs.sounding import speak_in
from dialogue.errors import FileTooLarge
from errors import BadInput, NotAllowed
from speech.files import collect
from storage.records import Pronunciation, Scope
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
        await interaction.response.defer(ephemeral=True, thinking=True)
        scene = Scene.of_interaction(interaction)
        scope, scope_id = await self._owned(interaction, level)
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
        await interaction.response.defer(ephemeral=True, thinking=True)
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
        await interaction.response.defer(ephemeral=True, thinking=True)
        scene = Scene.of_interaction(interaction)
        entries = await self._house.dialogue.dictionaries.list(*_of(scene, level))
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
        await interaction.response.defer(ephemeral=True, thinking=True)
        scene = Scene.of_interaction(interaction)
        scope, scope_id = await self._owned(interaction, level)
        if file.size > FILE_BYTES:
            raise FileTooLarge(limit=FILE_BYTES / 2**20)
        data = await file.read()
        count = await self._house.dialogue.dictionaries.import_csv(scope, scope_id, data)
        await self._changed(scene, scope)
        await tell(interaction, scene.words.plural(IMPORTED, IMPORTED_MANY, count))

    @group.command(name="export", description=N_("Get a dictionary as a CSV file"))
    @app_commands.describe(level=N_("Whose dictionary"))
    @app_commands.choices(level=LEVELS)
    async def export(self, interaction: discord.Interaction, level: Level | None = None) -> None:
        """``/dict export``."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        scene = Scene.of_interaction(interaction)
        data = await self._house.dialogue.dictionaries.export_csv(*_of(scene, level))
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
        scope, scope_id = _of(Scene.of_interaction(interaction), level)
        if scope is Scope.GUILD and not (scope_id and interaction.permissions.manage_guild):
            raise NotYourDictionary
        if scope is Scope.GLOBAL and not await self._house.client.is_owner(interaction.user):
            raise NotYourDictionary
        return scope, scope_id

    async def _changed(self, scene: Scene, scope: Scope) -> None:
        """Changes of the server's dictionary are in its audit log; the words are not."""
        if scope is Scope.GUILD:
            from storage.records import Action, Target

            await self._house.dialogue.moderators.record(
                scene.guild_id, scene.user.id, Action.DICTIONARY, Target.GUILD, scene.guild_id
            )

    async def _preview(
        self, interaction: discord.Interaction, scene: Scene, entry: Pronunciation
    ) -> None:
        """The word as it sounds now: in their voice session, or as a private file."""
        house = self._house
        await house.dialogue.quotas.may_speak(scene.user.id, scene.guild_id, scene.role_ids)
        manner = await house.manners.of(scene)
        player = house.rooms.player(scene.guild_id)
        if player is not None and house.director.may_speak(scene.user.id, scene.guild_id):
            spoken = speak_in(house, scene, player, manner)
            spoken.feed(entry.term)
            spoken.end()
            return
        spoken = house.narrator.begin(manner)
        spoken.feed(entry.term)
        spoken.end()
        if audio := await collect(spoken):
            file = discord.File(io.BytesIO(audio.data), "preview.ogg")
            await interaction.followup.send(file=file, ephemeral=True, allowed_mentions=QUIET)


def listed(words: Words, entries: tuple[Pronunciation, ...]) -> str:
    """The first entries, a line each."""
    if not entries:
        return words(EMPTY)
    lines = [f"{entry.term} \u2192 {entry.spoken}" for entry in entries[:SHOWN]]
    if len(entries) > SHOWN:
        lines.append(words(MORE, n=len(entries) - SHOWN))
    return "\n".join(lines)[:2000]


def _of(scene: Scene, level: Level | None) -> tuple[Scope, int]:
    scope = Scope(level.value) if level else Scope.PERSON
    owner = {Scope.PERSON: scene.user.id, Scope.GUILD: scene.guild_id, Scope.GLOBAL: 0}
    return scope, owner[scope]
