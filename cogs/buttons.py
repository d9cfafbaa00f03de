"""The buttons under an answer: Stop, Regenerate, Speak. They work after a restart too.

Their custom ids are ``parley:DEED:ASKER:KEY``. ``KEY`` is a running answer for Stop, and a turn in
the asker's memory for the others.
"""

from __future__ import annotations

from typing import Protocol

import discord

from cogs.lasting import Button, LastingButton, get_cog
from cogs.rights import admit
from cogs.scene import Scene, is_moderator
from errors import NotAllowed
from words import N_

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
    LastingButton,
    template=r"parley:(?P<deed>stop|again|speak):(?P<asker>[0-9]{1,20}):(?P<key>[0-9a-f]{1,20})",
):
    """One of the three."""

    async def pressed(self, interaction: discord.Interaction) -> None:
        """By the asker; Stop by moderators, too."""
        deed, asker_id = self.fields["deed"], int(self.fields["asker"])
        mine = interaction.user.id == asker_id
        if not mine and not (deed == STOP and is_moderator(interaction)):
            raise NotYourAnswer
        if deed != STOP:  # silence waits for no store
            await admit(interaction)
        chat: Presses = get_cog(interaction, "Chat")
        await chat.press(interaction, deed, self.fields["key"])


def stop_button(scene: Scene, key: str) -> discord.ui.View:
    """While an answer is being given."""
    return _view(scene, (STOP, key))


def answer_buttons(scene: Scene, turn_id: int) -> discord.ui.View | None:
    """Once it is complete; none for an answer that is not in the memory."""
    return _view(scene, (AGAIN, f"{turn_id:x}"), (SPEAK, f"{turn_id:x}")) if turn_id else None


def _view(scene: Scene, *buttons: tuple[str, str]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for deed, key in buttons:
        label, custom_id = scene.words(_LABELS[deed]), f"parley:{deed}:{scene.user.id}:{key}"
        view.add_item(AnswerButton(Button(label=label, style=_STYLES[deed], custom_id=custom_id)))
    return view
