"""How a reply is spoken to one person here: voice, speed, dictionary, names."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from cogs.places import QUIET, UNDELIVERED
from cogs.scene import Scene
from dialogue.preferences import sound
from dialogue.service import Dialogue
from speech.access import VoiceAccess, may_use
from speech.base import Listener, Names, VoiceChoice
from speech.dictionary import Dictionary
from speech.narrator import Manner
from speech.settings import SpeechSettings
from storage.database import Database
from storage.errors import StorageError
from storage.records import GuildSettings, Persona, Preferences, Replies
from words import N_

log = logging.getLogger(__name__)

WITHHELD = N_(
    "You may not use the voice {voice} here any more, so I speak with the usual one. "
    "/voice set chooses another."
)


class Manners:
    """Every method raises ``StorageError``."""

    def __init__(
        self,
        database: Database,
        dialogue: Dialogue,
        settings: SpeechSettings,
        access: VoiceAccess,
    ) -> None:
        self._database = database
        self._dialogue = dialogue
        self._settings = settings
        self._access = access
        self._withheld: dict[tuple[int, int], str] = {}
        self._told: set[tuple[int, int]] = set()

    async def of(self, scene: Scene) -> Manner:
        """The manner for the one who asks in ``scene``.

        A voice that they may not use (any more) is passed over, whoever chose it.
        """
        person_id, guild_id = scene.user.id, scene.guild_id
        barred = await self._access.barred(scene.hearer)
        preferences = await self._dialogue.preferences.get(person_id)
        guild = await self.guild(guild_id)
        persona = await self._dialogue.personas.active(
            person_id, guild_id, scene.channel_id, scene.role_ids, guild
        )
        server_voice = guild.voice if guild else None
        self._note(scene, barred, preferences, persona)
        if not may_use(preferences.voice, barred):
            preferences = replace(preferences, voice=None, speaker=None)
        if persona and not may_use(persona.voice, barred):
            persona = replace(persona, voice=None)
        server_voice = server_voice if may_use(server_voice, barred) else None
        voice, speaker, speed = sound(preferences, persona, server_voice)
        name, _, own_speaker = (voice or self._settings.voice).partition("/")
        language = preferences.locale or scene.locale
        levels = await self._dialogue.dictionaries.active(person_id, guild_id, persona)
        return Manner(
            choice=VoiceChoice(name, speaker or own_speaker or None, speed, language=language),
            listener=Listener(language=language, names=_names(scene), now_s=time.time()),
            dictionary=Dictionary(self._allowed(levels.user, guild), levels.server, levels.world),
            barred=barred,
        )

    async def hint(self, scene: Scene) -> None:
        """Tell somebody, privately and once, that the voice they chose is withheld. Never fails.

        After something was answered: the first message of a command is as public as its answer.
        """
        key = (scene.user.id, scene.guild_id)
        voice = self._withheld.get(key)
        if voice is None or key in self._told:
            return
        self._told.add(key)
        sentence = scene.words(WITHHELD, voice=voice)
        interaction = scene.interaction
        try:
            if interaction is not None and not interaction.is_expired():
                await interaction.followup.send(sentence, ephemeral=True, allowed_mentions=QUIET)
            else:
                await scene.user.send(sentence, allowed_mentions=QUIET)
        except UNDELIVERED as error:
            log.info("person %s takes no hint: %s", scene.user.id, type(error).__name__)

    def _note(
        self,
        scene: Scene,
        barred: frozenset[str],
        preferences: Preferences,
        persona: Persona | None,
    ) -> None:
        """Remember which voice of their own choosing is withheld from the one who asks."""
        own = persona.voice if persona and persona.owner_id == scene.user.id else None
        key = (scene.user.id, scene.guild_id)
        withheld = next((v for v in (preferences.voice, own) if not may_use(v, barred)), None)
        if withheld is None:
            self._withheld.pop(key, None)
            self._told.discard(key)
        else:
            self._withheld[key] = withheld

    def _allowed(self, entries: dict[str, str], guild: GuildSettings | None) -> dict[str, str]:
        """Nobody's own dictionary makes me say what is refused here."""
        refused = self._dialogue.content.listed
        return {term: spoken for term, spoken in entries.items() if not refused(spoken, guild)}

    async def replies(self, scene: Scene) -> Replies:
        """How the one who asks hears answers when not in voice."""
        preferences = await self._dialogue.preferences.get(scene.user.id)
        guild = await self.guild(scene.guild_id)
        return preferences.replies or (guild.replies if guild else None) or Replies.VOICE_MESSAGE

    async def localised(self, scene: Scene) -> Scene:
        """The scene of a message in the language the server chose, if it chose one.

        In direct messages, in that of the writer's last command. Never fails.
        """
        try:
            guild = await self.guild(scene.guild_id)
            said = guild or await self._dialogue.preferences.get(scene.user.id)
        except StorageError as error:
            log.warning("the language of an answer is unknown: %s", type(error).__name__)
            return scene
        return replace(scene, locale=said.locale) if said.locale else scene

    async def guild(self, guild_id: int) -> GuildSettings | None:
        """How a server has Parley set up; None for 0, which is direct messages."""
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
