"""``/setup``: an administrator sets Parley up for their server, privately.

Every choice is saved when it is made, so there is nothing to finish: closing it, a restart of the
bot, or another administrator going on later lose nothing. ``/setup`` shows how things stand.
"""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from cogs.house import House
from cogs.replies import acknowledge, ask
from cogs.scene import Scene
from cogs.setup_page import open_page
from cogs.voice import NotHere
from words import N_


class Setup(commands.Cog):
    """One command, for administrators unless the server allows it to others."""

    def __init__(self, house: House) -> None:
        self._house = house

    @app_commands.command(description=N_("Set me up for this server"))
    @app_commands.guild_install()
    @app_commands.guild_only()
    @app_commands.default_permissions(administrator=True)
    async def setup(self, interaction: discord.Interaction) -> None:
        """``/setup``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        if scene.guild is None:
            raise NotHere
        text, view = await open_page(self._house, scene, 0)
        await ask(interaction, text, view)
