"""Buttons that work after a restart: all that they need is in their custom id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import discord
from discord.ext import commands

from cogs.replies import tell_error

if TYPE_CHECKING:
    from typing import Self

Button = discord.ui.Button[discord.ui.View]


class LastingButton(discord.ui.DynamicItem[Button], template=r"(?!)"):
    """One of them: ``template``, which each kind brings, matches its custom ids; no view is kept
    in memory. Raises ValueError for a ``button`` with another custom id."""

    def __init__(self, button: Button) -> None:
        super().__init__(button)
        match = cast("re.Match[str]", self.template.match(self.custom_id))
        self.fields = match.groupdict()
        """What the groups of the template found."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button of a message, whenever that was sent."""
        return cls(cast("Button", item))

    async def callback(self, interaction: discord.Interaction) -> None:
        """Somebody pressed it. discord.py only logs what a dynamic item raises: say it here."""
        try:
            await self.pressed(interaction)
        except Exception as error:
            await tell_error(interaction, error)

    async def pressed(self, interaction: discord.Interaction) -> None:
        """Do what it says, or raise why not."""
        raise NotImplementedError


def get_cog(interaction: discord.Interaction, name: str) -> Any:
    """The cog of that name, of which the caller knows what it can do."""
    return cast("commands.Bot", interaction.client).get_cog(name)
