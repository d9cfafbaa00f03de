"""Native voice messages: the one file here that reaches into discord.py's private parts.

discord.py 2.7 can receive voice messages but has no public way to send one. Discord wants flag
1 << 13, exactly one ``audio/ogg`` attachment with ``duration_secs`` and ``waveform``, no content,
and a message of the channel rather than an answer to an interaction (Message Resource).
"""

from __future__ import annotations

import io
from typing import Any

import discord
from discord.http import handle_message_parameters

from cogs.places import may_refer
from speech.files import AudioFile

FILENAME = "voice-message.ogg"
SIZE_SPARED = 64 * 1024
"""Of Discord's limit, which counts the whole request."""


class _VoiceFile(discord.File):
    """A file that says how long it sounds and what it looks like."""

    def __init__(self, audio: AudioFile) -> None:
        super().__init__(io.BytesIO(audio.data), FILENAME)
        self._audio = audio

    def to_dict(self, index: int) -> dict[str, Any]:
        return super().to_dict(index) | {
            "duration_secs": self._audio.duration_s,
            "waveform": self._audio.waveform,
        }


def may_send(channel: discord.abc.Messageable, guild: discord.Guild | None) -> bool:
    """Whether Discord would take a native voice message from us here."""
    if isinstance(channel, discord.DMChannel):
        return True
    if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    allowed = channel.permissions_for(guild.me)
    return (
        allowed.view_channel
        and allowed.send_messages
        and allowed.attach_files
        and allowed.send_voice_messages
    )


async def send_voice_message(
    channel: discord.abc.Messageable, audio: AudioFile, reply_to: discord.Message | None
) -> None:
    """Send ``audio`` as a native voice message. Raises ``discord.HTTPException``."""
    target = await channel._get_channel()
    flags = discord.MessageFlags._from_value(0)
    flags.voice = True
    refers = reply_to is not None and may_refer(reply_to.channel)
    reference = reply_to.to_reference(fail_if_not_exists=False) if reply_to and refers else None
    with handle_message_parameters(
        file=_VoiceFile(audio),
        flags=flags,
        message_reference=reference.to_message_reference_dict()
        if reference
        else discord.utils.MISSING,
        allowed_mentions=discord.AllowedMentions.none(),
    ) as params:
        for part in params.multipart or ():
            if part["name"].startswith("files["):
                part["content_type"] = "audio/ogg"
        await target._state.http.send_message(target.id, params=params)


def plain_file(audio: AudioFile) -> discord.File:
    """The same as an ordinary attachment."""
    return discord.File(io.BytesIO(audio.data), "reply.ogg")


def fits(audio: AudioFile, limit_bytes: int) -> bool:
    """Whether Discord's upload limit leaves room for it."""
    return len(audio.data) + SIZE_SPARED <= limit_bytes
