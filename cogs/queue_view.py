"""``/queue`` while it is open: the message changes when the lobby does.

An interaction's token lives fifteen minutes; before that the view closes itself and says so.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import discord

from cogs import lobby_buttons as deeds
from cogs.house import House
from cogs.lobby_buttons import lobby_buttons
from cogs.lobby_words import view_text
from cogs.places import QUIET, UNDELIVERED
from cogs.scene import Scene
from lobby.records import View
from words import N_

log = logging.getLogger(__name__)

OPEN_S = 14 * 60.0
LEAST_S = 1.5
"""Between two updates, however fast the lobby changes."""
MOST_S = 30.0
"""Estimates age although nothing changes."""

CLOSED = N_("-# This no longer updates itself. Use /queue again.")


class QueueViews:
    """The open ones: at most one for each person, the newest."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._open: dict[int, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Close all of them."""
        for task in self._open.values():
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def open(self, interaction: discord.Interaction) -> None:
        """Show the lobby in answer to ``interaction`` and keep it up to date."""
        scene = Scene.of_interaction(interaction)
        version = await self._show(interaction, scene)
        if old := self._open.pop(scene.user.id, None):
            old.cancel()
        task = asyncio.create_task(self._keep(interaction, scene, version), name="queue view")
        self._open[scene.user.id] = task
        task.add_done_callback(lambda _: self._forget(scene.user.id, task))

    async def refresh(self, interaction: discord.Interaction) -> None:
        """The Refresh button: also wakes a view that had closed itself."""
        await self.open(interaction)

    def _forget(self, person_id: int, task: asyncio.Task[None]) -> None:
        if self._open.get(person_id) is task:
            del self._open[person_id]

    async def _keep(self, interaction: discord.Interaction, scene: Scene, version: int) -> None:
        """Show what changed since ``version``, which is what was shown last."""
        with suppress(*UNDELIVERED):
            async with asyncio.timeout(OPEN_S):
                while True:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(MOST_S):
                            await self._house.director.changed(version)
                    version = await self._show(interaction, scene)
                    await asyncio.sleep(LEAST_S)
        with suppress(*UNDELIVERED):
            await self._show(interaction, scene, closed=True)

    async def _show(
        self, interaction: discord.Interaction, scene: Scene, *, closed: bool = False
    ) -> int:
        """Show the lobby as it is; the version that was shown."""
        view = self._house.director.view(scene.user.id)
        text = view_text(scene.words, view, scene.guild_id, self._house.lobby.claim_s)
        if closed:
            text += "\n" + scene.words(CLOSED)
        await interaction.edit_original_response(
            content=text, view=_buttons(scene, view), allowed_mentions=QUIET
        )
        return view.version


def _buttons(scene: Scene, view: View) -> discord.ui.View:
    mine = deeds.JOIN if view.you.stage is None else deeds.LEAVE
    return lobby_buttons(scene.words, scene.user.id, mine, deeds.REFRESH)
