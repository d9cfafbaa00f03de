"""The buttons under an answer: Stop, Regenerate, Speak. They work after a restart too.

Everything a button needs is in its custom id (``parley:DEED:ASKER:KEY``), so no view is kept in
memory. ``KEY`` is a running answer for Stop, and a turn in the asker's memory for the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

import discord
from discord.ext import commands

from cogs.replies import tell_error
from cogs.rights import admit
from cogs.scene import Scene, is_moderator
from errors import NotAllowed
from words import N_

if TYPE_CHECKING:
    from typing import Self

STOP, AGAIN, SPEAK = "stop", "again", "speak"

_LABELS = {STOP: N_("Stop"), AGAIN: N_("Regenerate"), SPEAK: N_("Speak")}
_STYLES = {
    STOP: discord.ButtonStyle.danger,
    AGAIN: discord.ButtonStyle.secondary,
    SPEAK: discord.ButtonStyle.secondary,
}


class NotYourAnswer(NotAllowed):
    """Somebody else's answer."""

    sentence = N_("Only the person I answered can use this button.")


class Presses(Protocol):
    """The cog that does what the buttons say."""

    async def press(self, interaction: discord.Interaction, deed: str, key: str) -> None:
        """Do it; the right to do it has been checked."""
        ...


class AnswerButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"parley:(?P<deed>stop|again|speak):(?P<asker>[0-9]{1,20}):(?P<key>[0-9a-f]{1,20})",
):
    """One of the three."""

    def __init__(self, deed: str, asker_id: int, key: str, label: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=label,
                style=_STYLES[deed],
                custom_id=f"parley:{deed}:{asker_id}:{key}",
            )
        )
        self._deed = deed
        self._asker_id = asker_id
        self._key = key

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
        return cls(match["deed"], int(match["asker"]), match["key"], label or "")

    async def callback(self, interaction: discord.Interaction) -> None:
        """Somebody pressed it. discord.py only logs what a dynamic item raises: say it here."""
        mine = interaction.user.id == self._asker_id
        if not mine and not (self._deed == STOP and is_moderator(interaction)):
            await tell_error(interaction, NotYourAnswer())
            return
        try:
            if self._deed != STOP:  # silence waits for no store
                await admit(interaction)
            chat = cast("commands.Bot", interaction.client).get_cog("Chat")
            await cast("Presses", chat).press(interaction, self._deed, self._key)
        except Exception as error:
            await tell_error(interaction, error)


def stop_button(scene: Scene, key: str) -> discord.ui.View:
    """While an answer is being given."""
    return _view(scene, (STOP, key))


def answer_buttons(scene: Scene, turn_id: int) -> discord.ui.View | None:
    """Once it is complete; none for an answer that is not in the memory."""
    return _view(scene, (AGAIN, f"{turn_id:x}"), (SPEAK, f"{turn_id:x}")) if turn_id else None


def _view(scene: Scene, *buttons: tuple[str, str]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for deed, key in buttons:
        view.add_item(AnswerButton(deed, scene.user.id, key, scene.words(_LABELS[deed])))
    return view
