"""Who may use Parley, and who may act for others, where Discord alone cannot know.

Discord checks who may see a command; servers change that in their integration settings. Two things
are ours: whom a server's moderators have blocked, and the role that a server made its moderators'.
"""

from __future__ import annotations

from typing import Protocol, cast

import discord

from cogs.scene import Scene, guild_permissions, is_moderator, moderating
from dialogue.errors import Blocked
from storage.database import Database
from storage.errors import StorageError

SPARED = frozenset(["chat", "Ask Parley", "privacy"])
"""The first two are checked when their turn has come; one's own data stays one's own."""


class Doorkeeper(Protocol):
    """The client."""

    async def admit(self, interaction: discord.Interaction) -> None:
        """Raises :class:`dialogue.errors.Blocked`."""
        ...

    def notice(self, interaction: discord.Interaction) -> None:
        """Remember what an interaction says about its sender and a message does not."""
        ...


async def admit(interaction: discord.Interaction) -> None:
    """Ask the client whether whoever acts may. Raises ``Blocked``, ``StorageError``."""
    await cast("Doorkeeper", interaction.client).admit(interaction)


def notice(interaction: discord.Interaction) -> None:
    """Tell the client that somebody who may used a command. Never fails, and takes no time."""
    cast("Doorkeeper", interaction.client).notice(interaction)


async def check_blocked(database: Database, guild_id: int, person_id: int) -> None:
    """Raises ``Blocked``, ``StorageError``."""
    if guild_id and await database.blocks.blocked(guild_id, person_id):
        raise Blocked


async def moderates(database: Database, interaction: discord.Interaction) -> bool:
    """Whether whoever acts is a moderator here: by Discord's permissions or the server's role."""
    return is_moderator(interaction) or await _has_role(database, interaction)


async def moderates_server(database: Database, interaction: discord.Interaction) -> bool:
    """The same for what holds in the whole server: what one channel allows is not enough there."""
    return moderating(guild_permissions(interaction)) or await _has_role(database, interaction)


async def _has_role(database: Database, interaction: discord.Interaction) -> bool:
    """Whether they have the role that the server made its moderators'."""
    scene = Scene.of_interaction(interaction)
    if not scene.guild_id:
        return False
    try:
        role_id = (await database.guilds.settings(scene.guild_id)).moderator_role_id
    except StorageError:
        return False
    return role_id is not None and role_id in scene.role_ids
