"""The one channel of each server in which Parley answers without being called."""

from __future__ import annotations

from storage.database import Database
from storage.records import GuildSettings


class OpenChannels:
    """Asked for every message there is, so it remembers; whoever saves settings tells it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, int | None] = {}

    async def is_open(self, guild_id: int, channel_id: int) -> bool:
        """Whether everything written in this channel is for Parley. Raises ``StorageError``."""
        if guild_id not in self._known:
            settings = await self._database.guilds.settings(guild_id)
            # What was saved meanwhile is newer than what was read.
            self._known.setdefault(guild_id, settings.chat_channel_id)
        return self._known[guild_id] == channel_id

    def saved(self, settings: GuildSettings) -> None:
        """These are a server's settings now."""
        self._known[settings.guild_id] = settings.chat_channel_id
