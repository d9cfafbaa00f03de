"""``/privacy``: a copy of all that Parley holds about you, and being forgotten."""

from __future__ import annotations

import io
from contextlib import suppress

import discord
from discord import app_commands
from discord.ext import commands

from cogs.confirm import ask_first
from cogs.house import House
from cogs.places import QUIET
from cogs.replies import acknowledge, tell
from cogs.scene import Scene
from lobby.errors import NoSession
from words import N_

EXPORTED = N_("All that I hold about you, as data and to read: {n} entry.")
EXPORTED_MANY = N_("All that I hold about you, as data and to read: {n} entries.")
TOO_LARGE = N_("It is larger than Discord lets me send here. Ask whoever runs me.")
FORGET = N_(
    "Forget everything about you, in every server: memory, persona, settings, dictionary, usage? "
    "This cannot be taken back. You may want /privacy export first."
)
FORGOTTEN = N_("Forgotten: {n} entry. Nothing of it is left in my files.")
FORGOTTEN_MANY = N_("Forgotten: {n} entries. Nothing of it is left in my files.")
FORGOTTEN_SOON = N_(
    "Forgotten: {n} entries. The files are wiped as soon as nobody is reading them."
)


class Privacy(commands.Cog):
    """Both work in direct messages too, where no server has to allow them."""

    group = app_commands.Group(name="privacy", description=N_("Your data"))

    def __init__(self, house: House) -> None:
        self._house = house

    @group.command(name="export", description=N_("Get a copy of all I hold about you"))
    async def export(self, interaction: discord.Interaction) -> None:
        """``/privacy export``: two files, sent privately."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        export = await self._house.dialogue.privacy.export(scene.user.id, scene.locale)
        if len(export.machine) + len(export.readable) > scene.upload_bytes:
            await tell(interaction, scene.words(TOO_LARGE))
            return
        files = [
            discord.File(io.BytesIO(export.machine), "parley-data.json"),
            discord.File(io.BytesIO(export.readable), "parley-data.txt"),
        ]
        sentence = scene.words.plural(EXPORTED, EXPORTED_MANY, export.rows)
        await interaction.followup.send(
            sentence, files=files, ephemeral=True, allowed_mentions=QUIET
        )

    @group.command(name="forget", description=N_("Have me forget everything about you"))
    async def forget(self, interaction: discord.Interaction) -> None:
        """``/privacy forget``, with confirmation."""
        scene = Scene.of_interaction(interaction)

        async def wipe() -> str:
            with suppress(NoSession):
                await self._house.director.leave(scene.user.id)
            done = await self._house.dialogue.privacy.forget(scene.user.id)
            if not done.erased:
                return scene.words(FORGOTTEN_SOON, n=done.rows)
            return scene.words.plural(FORGOTTEN, FORGOTTEN_MANY, done.rows)

        await ask_first(interaction, scene.words(FORGET), wipe, spares_blocked=True)
