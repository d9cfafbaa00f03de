"""A question before something that cannot be taken back, asked privately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import discord

from cogs.places import QUIET
from cogs.replies import PatientView, ask
from cogs.scene import Scene
from words import N_

YES = N_("Yes, do it")
NO = N_("No")
KEPT = N_("Nothing was changed.")
PATIENCE_S = 120.0

Deed = Callable[[], Awaitable[str]]
"""Does it and says what was done."""


class Confirm(PatientView):
    """Two buttons; the message is ephemeral, so only the one who was asked can press them."""

    def __init__(self, scene: Scene, deed: Deed, *, spares_blocked: bool = False) -> None:
        super().__init__(timeout=PATIENCE_S)
        self._scene = scene
        self._deed = deed
        self.spares_blocked = spares_blocked
        self._add(YES, discord.ButtonStyle.danger, self._yes)
        self._add(NO, discord.ButtonStyle.secondary, self._no)

    def _add(
        self,
        label: str,
        style: discord.ButtonStyle,
        press: Callable[[discord.Interaction], Coroutine[Any, Any, None]],
    ) -> None:
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=self._scene.words(label), style=style
        )
        # A callback set on the item itself: the label is known only now, in the asker's language.
        button.callback = press  # type: ignore[assignment, method-assign]
        self.add_item(button)

    async def _yes(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        done = await self._deed()
        self.stop()  # not before: if it failed, they can try again
        await interaction.edit_original_response(content=done, view=None, allowed_mentions=QUIET)

    async def _no(self, interaction: discord.Interaction) -> None:
        self.stop()
        await interaction.response.edit_message(
            content=self._scene.words(KEPT), view=None, allowed_mentions=QUIET
        )


async def ask_first(
    interaction: discord.Interaction, question: str, deed: Deed, *, spares_blocked: bool = False
) -> None:
    """Ask ``question`` privately; ``deed`` is done when they say yes."""
    view = Confirm(Scene.of_interaction(interaction), deed, spares_blocked=spares_blocked)
    await ask(interaction, question, view)
