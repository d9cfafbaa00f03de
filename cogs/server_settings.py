"""Changing how a server has Parley set up: saved, audited and told in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cogs.audit import announce
from cogs.house import House
from cogs.scene import Scene
from storage.records import GuildSettings


async def change_server(house: House, scene: Scene, **changes: Any) -> GuildSettings:
    """Change fields of :class:`GuildSettings` of the scene's server; what holds now.

    Two people changing at once do not undo each other's. Raises ``NotThisServer``,
    ``StorageError``.
    """
    async with house.database.writing():
        old = await house.database.guilds.settings(scene.guild_id)
        new = replace(old, **changes)
        acted = await house.dialogue.moderators.save_settings(new, scene.user.id)
    house.open_channels.saved(new)
    if acted.changed:
        await announce(house, scene, acted)
    return new
