"""Something said for one person to hear: a preview, sent privately as a file."""

from __future__ import annotations

import io
import logging

import discord

from cogs.house import House
from cogs.places import QUIET
from cogs.scene import Scene
from speech.files import collect
from speech.narrator import Manner
from storage.errors import StorageError

log = logging.getLogger(__name__)


async def send_sample(
    interaction: discord.Interaction, house: House, scene: Scene, manner: Manner, text: str
) -> bool:
    """Say ``text`` into a file that only they see; whether there was anything to hear.

    Raises ``SpeechQuotaSpent``, ``StorageError`` and what went wrong with the speech.
    """
    quotas = house.dialogue.quotas
    await quotas.may_speak(scene.user.id, scene.guild_id, scene.role_ids)
    spoken = house.narrator.say(text, manner)
    audio = await collect(spoken)
    if failure := spoken.report().failure:
        raise failure
    if audio is None:
        return False
    try:  # before it is sent: who hears it and asks for /usage at once finds it there
        await quotas.spoke(scene.user.id, scene.guild_id, audio.duration_s)
    except StorageError as error:
        log.warning("speech was not counted: %s", type(error).__name__)
    file = discord.File(io.BytesIO(audio.data), "preview.ogg")
    await interaction.followup.send(file=file, ephemeral=True, allowed_mentions=QUIET)
    return True
