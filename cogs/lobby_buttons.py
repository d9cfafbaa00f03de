"""The lobby's buttons: join, leave, move here, refresh. They work after a restart too.

Their custom ids are ``parley:lobby:DEED:PERSON``; only that person may press them.
"""

from __future__ import annotations

from typing import Protocol

import discord

from cogs.lasting import Button, LastingButton, get_cog
from cogs.rights import admit
from errors import NotAllowed
from words import N_, Words

JOIN, AGAIN, LEAVE, MOVE, REFRESH = "join", "again", "leave", "move", "refresh"

_LABELS = {
    JOIN: N_("Join"),
    AGAIN: N_("Queue again"),
    LEAVE: N_("Leave"),
    MOVE: N_("Move here"),
    REFRESH: N_("Refresh"),
}
_STYLES = {
    JOIN: discord.ButtonStyle.success,
    AGAIN: discord.ButtonStyle.success,
    LEAVE: discord.ButtonStyle.danger,
    MOVE: discord.ButtonStyle.primary,
    REFRESH: discord.ButtonStyle.secondary,
}


class NotYourPlace(NotAllowed):
    """Somebody else's place in the lobby."""

    sentence = N_("That button is for somebody else. Use /voice join or /queue yourself.")


class LobbyPresses(Protocol):
    """The cog that does what the buttons say."""

    async def press(self, interaction: discord.Interaction, deed: str) -> None:
        """Do it; the right to do it has been checked."""
        ...


class LobbyButton(
    LastingButton,
    template=r"parley:lobby:(?P<deed>join|again|leave|move|refresh):(?P<person>[0-9]{1,20})",
):
    """One of them."""

    async def pressed(self, interaction: discord.Interaction) -> None:
        """By whom it is for."""
        if interaction.user.id != int(self.fields["person"]):
            raise NotYourPlace
        await admit(interaction)
        voice: LobbyPresses = get_cog(interaction, "Voice")
        await voice.press(interaction, self.fields["deed"])


def lobby_buttons(words: Words, person_id: int, *deeds: str) -> discord.ui.View:
    """A row of them for one person."""
    view = discord.ui.View(timeout=None)
    for deed in deeds:
        label, custom_id = words(_LABELS[deed]), f"parley:lobby:{deed}:{person_id}"
        view.add_item(LobbyButton(Button(label=label, style=_STYLES[deed], custom_id=custom_id)))
    return view
