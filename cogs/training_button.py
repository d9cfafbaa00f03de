"""The button that cancels a training. It works after a restart, too."""

from __future__ import annotations

from typing import Protocol

import discord

from cogs.lasting import Button, LastingButton, get_cog
from cogs.rights import admit
from words import N_, Words

CANCEL = N_("Cancel")


class CancelsTrainings(Protocol):
    """The cog that does what the button says."""

    async def cancel_training(self, interaction: discord.Interaction, training_id: str) -> None:
        """Whether they may is its to check."""
        ...


class CancelButton(LastingButton, template=r"parley:training:(?P<id>[A-Za-z0-9._-]{1,64})"):
    """Cancel."""

    async def pressed(self, interaction: discord.Interaction) -> None:
        """By whoever may."""
        await admit(interaction)
        voice: CancelsTrainings = get_cog(interaction, "Voice")
        await voice.cancel_training(interaction, self.fields["id"])


def cancel_button(words: Words, training_id: str) -> discord.ui.View:
    """Under the message that tells how far a training is."""
    view = discord.ui.View(timeout=None)
    style, custom_id = discord.ButtonStyle.danger, f"parley:training:{training_id}"
    view.add_item(CancelButton(Button(label=words(CANCEL), style=style, custom_id=custom_id)))
    return view
