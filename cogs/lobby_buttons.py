"""The lobby's buttons: join, leave, move here, refresh. They work after a restart too.

Their custom ids are ``parley:lobby:DEED:PERSON``; only that person may press them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

import discord
from discord.ext import commands

from cogs.replies import tell_error
from cogs.rights import admit
from errors import NotAllowed
from words import N_, Words

if TYPE_CHECKING:
    from typing import Self

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
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"parley:lobby:(?P<deed>join|again|leave|move|refresh):(?P<person>[0-9]{1,20})",
):
    """One of them."""

    def __init__(self, deed: str, person_id: int, label: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=label, style=_STYLES[deed], custom_id=f"parley:lobby:{deed}:{person_id}"
            )
        )
        self._deed = deed
        self._person_id = person_id

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
        return cls(match["deed"], int(match["person"]), label or "")

    async def callback(self, interaction: discord.Interaction) -> None:
        """Somebody pressed it. discord.py only logs what a dynamic item raises: say it here."""
        if interaction.user.id != self._person_id:
            await tell_error(interaction, NotYourPlace())
            return
        try:
            await admit(interaction)
            voice = cast("commands.Bot", interaction.client).get_cog("Voice")
            await cast("LobbyPresses", voice).press(interaction, self._deed)
        except Exception as error:
            await tell_error(interaction, error)


def lobby_buttons(words: Words, person_id: int, *deeds: str) -> discord.ui.View:
    """A row of them for one person."""
    view = discord.ui.View(timeout=None)
    for deed in deeds:
        view.add_item(LobbyButton(deed, person_id, words(_LABELS[deed])))
    return view
