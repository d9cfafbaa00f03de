"""``/privacy``: a copy of all that Parley holds about you, and being forgotten."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress

import discord
from discord import app_commands
from discord.ext import commands

from cogs.confirm import ask_first
from cogs.house import House
from cogs.places import QUIET
from cogs.replies import acknowledge
from cogs.scene import Scene
from lobby.errors import NoSession
from storage.records import Remains
from words import N_

EXPORTED = N_("All that I hold about you, as data and to read: {n} entry.")
EXPORTED_MANY = N_("All that I hold about you, as data and to read: {n} entries.")
IN_PARTS = N_(
    "All that I hold about you is more than Discord takes at once: here are {n} parts of one zip "
    "file. 7-Zip opens the first; elsewhere, join them in their order."
)
FORGET = N_(
    "Forget everything about you, in every server: memory, persona, settings, dictionary, usage? "
    "This cannot be taken back. You may want /privacy export first."
)
FORGOTTEN = N_("Forgotten: {n} entry. Nothing of it is left in my files.")
FORGOTTEN_MANY = N_("Forgotten: {n} entries. Nothing of it is left in my files.")
FORGOTTEN_SOON = N_(
    "Forgotten: {n} entries. The files are wiped as soon as nobody is reading them."
)
FORGOTTEN_FREED = N_(
    "Forgotten: {n} entries. My database has let go of them; it writes over their place in time."
)
DATA, READABLE, PACKED = "parley-data.json", "parley-data.txt", "parley-data.zip"


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
        files = [(DATA, export.machine), (READABLE, export.readable)]
        messages = await asyncio.to_thread(fitted, files, scene.upload_bytes)
        parts = sum(map(len, messages))
        sentence = scene.words.plural(EXPORTED, EXPORTED_MANY, export.rows)
        if messages[0][0][0] not in (DATA, PACKED):
            sentence = scene.words(IN_PARTS, n=parts)
        for each in messages:
            await interaction.followup.send(
                sentence,
                files=[discord.File(io.BytesIO(data), name) for name, data in each],
                ephemeral=True,
                allowed_mentions=QUIET,
            )
            sentence = ""

    @group.command(name="forget", description=N_("Have me forget everything about you"))
    async def forget(self, interaction: discord.Interaction) -> None:
        """``/privacy forget``, with confirmation."""
        scene = Scene.of_interaction(interaction)

        async def wipe() -> str:
            with suppress(NoSession):
                await self._house.director.leave(scene.user.id)
            done = await self._house.dialogue.privacy.forget(scene.user.id)
            if done.remains is not Remains.NONE:
                soon = done.remains is Remains.SOON
                return scene.words(FORGOTTEN_SOON if soon else FORGOTTEN_FREED, n=done.rows)
            return scene.words.plural(FORGOTTEN, FORGOTTEN_MANY, done.rows)

        await ask_first(interaction, scene.words(FORGET), wipe, spares_blocked=True)


def fitted(files: Sequence[tuple[str, bytes]], most_bytes: int) -> list[list[tuple[str, bytes]]]:
    """Files by message, none of which is over ``most_bytes``: as they are, packed, or in parts.

    Nothing is too much to be handed over. Parts are named as 7-Zip and others expect them.
    """
    if sum(len(data) for _, data in files) <= most_bytes:
        return [list(files)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, data in files:
            folder.writestr(name, data)
    whole = packed.getvalue()
    if len(whole) <= most_bytes:
        return [[(PACKED, whole)]]
    starts = range(0, len(whole), most_bytes)
    # Each part is a message of its own: together they would be over what one may hold.
    return [
        [(f"{PACKED}.{number:03}", whole[start : start + most_bytes])]
        for number, start in enumerate(starts, start=1)
    ]
