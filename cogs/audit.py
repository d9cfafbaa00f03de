"""What moderators did, in words: for ``/mod log``, and in the server's log channel.

Ids and names of actions only; what people wrote is never part of it.
"""

from __future__ import annotations

import logging

import discord

from cogs.house import House
from cogs.places import QUIET, UNDELIVERED
from cogs.scene import Scene
from dialogue.moderators import Acted
from storage.errors import StorageError
from storage.records import Action, AuditEntry, Target
from words import N_, Words

log = logging.getLogger(__name__)

LINE = N_("{when} {who}: {what}")
SOMEBODY = N_("somebody who was forgotten since")
HERE = N_("this server")
EVERYONE = N_("everyone")

DEEDS = {
    Action.CLEAR_MEMORY: N_("cleared the memory of {whom}"),
    Action.CLEAR_CHANNEL: N_("cleared what was said in {whom} from memory"),
    Action.CLEAR_GUILD: N_("cleared every memory in {whom}"),
    Action.BLOCK: N_("blocked {whom}"),
    Action.UNBLOCK: N_("unblocked {whom}"),
    Action.SET_LIMIT: N_("set the daily quota of {whom}"),
    Action.REMOVE_LIMIT: N_("removed the daily quota of {whom}"),
    Action.END_SESSION: N_("ended the voice session of {whom}"),
    Action.SETTINGS: N_("changed the settings of {whom}"),
    Action.PERSONA_LOCK: N_("locked or unlocked the personas of {whom}"),
    Action.PERSONA_DEFAULT: N_("changed the default persona of {whom}"),
    Action.PERSONA_SAVE: N_("saved a persona of {whom}"),
    Action.PERSONA_DELETE: N_("deleted a persona of {whom}"),
    Action.DICTIONARY: N_("changed the dictionary of {whom}"),
    Action.VOICE_ROLES: N_("changed which voices {whom} may use"),
}


def line(words: Words, entry: AuditEntry) -> str:
    """One entry as a line."""
    return words(
        LINE,
        when=f"<t:{round(entry.at_s)}:f>",
        who=_person(words, entry.actor_id),
        what=words(DEEDS[entry.action], whom=_target(words, entry)),
    )


async def announce(house: House, scene: Scene, acted: Acted) -> None:
    """Post an action in the server's log channel, if it has one. Never raises."""
    guild = scene.guild
    if guild is None:
        return
    try:
        settings = await house.database.guilds.settings(guild.id)
        channel = guild.get_channel_or_thread(settings.log_channel_id or 0)
        if not isinstance(channel, discord.abc.Messageable):
            return
        words = Words.of(settings.locale or str(guild.preferred_locale))
        await channel.send(line(words, acted.entry), allowed_mentions=QUIET)
    except (StorageError, *UNDELIVERED) as error:
        log.warning("server %s: its log channel got no post: %s", guild.id, type(error).__name__)


def _person(words: Words, person_id: int) -> str:
    return f"<@{person_id}>" if person_id > 0 else words(SOMEBODY)


def _target(words: Words, entry: AuditEntry) -> str:
    match entry.target:
        case Target.PERSON:
            return _person(words, entry.target_id)
        case Target.CHANNEL:
            return f"<#{entry.target_id}>"
        case Target.ROLE:
            everyone = entry.target_id == entry.guild_id
            return words(EVERYONE) if everyone else f"<@&{entry.target_id}>"
        case Target.GUILD:
            return words(HERE)
