"""How a reply is spoken to one person here: voice, speed, dictionary, names."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from cogs.scene import Scene
from dialogue.preferences import sound
from dialogue.service import Dialogue
from speech.base import Listener, Names, VoiceChoice
from speech.dictionary import Dictionary
from speech.narrator import Manner
from speech.settings import SpeechSettings
from storage.database import Database
from storage.errors import StorageError
from storage.records import GuildSettings, Replies

log = logging.getLogger(__name__)


class Manners:
    """Every method raises ``StorageError``."""

    def __init__(self, database: Database, dialogue: Dialogue, settings: SpeechSettings) -> None:
        self._database = database
        self._dialogue = dialogue
        self._settings = settings

    async def of(self, scene: Scene) -> Manner:
        """The manner for the one who asks in ``scene``."""
        person_id, guild_id = scene.user.id, scene.guild_id
        preferences = await self._dialogue.preferences.get(person_id)
        guild = await self._guild(guild_id)
        persona = await self._dialogue.personas.active(
            person_id, guild_id, scene.channel_id, scene.role_ids, guild
        )
        voice, speaker, speed = sound(preferences, persona, guild.voice if guild else None)
        name, _, own_speaker = (voice or self._settings.voice).partition("/")
        language = preferences.locale or scene.locale
        levels = await self._dialogue.dictionaries.active(person_id, guild_id, persona)
        return Manner(
            choice=VoiceChoice(name, speaker or own_speaker or None, speed, language=language),
            listener=Listener(language=language, names=_names(scene), now_s=time.time()),
            dictionary=Dictionary(levels.user, levels.server, levels.world),
        )

    async def replies(self, scene: Scene) -> Replies:
        """How the one who asks hears answers when not in voice."""
        preferences = await self._dialogue.preferences.get(scene.user.id)
        guild = await self._guild(scene.guild_id)
        return preferences.replies or (guild.replies if guild else None) or Replies.VOICE_MESSAGE

    async def localised(self, scene: Scene) -> Scene:
        """The scene of a message in the language the server chose, if it chose one. Never fails."""
        try:
            guild = await self._guild(scene.guild_id)
        except StorageError as error:
            log.warning("the language of a server is unknown: %s", type(error).__name__)
            return scene
        return replace(scene, locale=guild.locale) if guild and guild.locale else scene

    async def _guild(self, guild_id: int) -> GuildSettings | None:
        return await self._database.guilds.settings(guild_id) if guild_id else None


def _names(scene: Scene) -> Names:
    """What ids are called here, so that a mention is read as a name."""
    members = {scene.user.id: scene.user.display_name}
    if scene.guild is None:
        return Names(members=members)
    members |= {member.id: member.display_name for member in scene.guild.members}
    return Names(
        members=members,
        roles={role.id: role.name for role in scene.guild.roles},
        channels={channel.id: channel.name for channel in scene.guild.channels},
    )
