"""The button that cancels a training. It works after a restart, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

import discord
from discord.ext import commands

from cogs.replies import tell_error
from cogs.rights import admit
from words import N_, Words

if TYPE_CHECKING:
    from typing import Self

CANCEL = N_("Cancel")


class CancelsTrainings(Protocol):
    """The cog that does what the button says."""

    async def cancel_training(self, interaction: discord.Interaction, training_id: str) -> None:
        """Whether they may is its to check."""
        ...


class CancelButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"parley:training:(?P<id>[A-Za-z0-9._-]{1,64})",
):
    """Cancel."""

    def __init__(self, training_id: str, label: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=label,
                style=discord.ButtonStyle.danger,
                custom_id=f"parley:training:{training_id}",
            )
        )
        self._training_id = training_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        """A button of a message, whenever that was sent."""
        label = item.label if isinstance(item, discord.ui.Button) else None
        return cls(match["id"], label or "")

    async def callback(self, interaction: discord.Interaction) -> None:
        """Somebody pressed it. discord.py only logs what a dynamic item raises: say it here."""
        try:
            await admit(interaction)
            voice = cast("commands.Bot", interaction.client).get_cog("Voice")
            await cast("CancelsTrainings", voice).cancel_training(interaction, self._training_id)
        except Exception as error:
            await tell_error(interaction, error)


def cancel_button(words: Words, training_id: str) -> discord.ui.View:
    """Under the message that tells how far a training is."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(training_id, words(CANCEL)))
    return view
