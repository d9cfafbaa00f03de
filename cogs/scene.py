"""Who asks, where, and in which language: the same for commands, buttons and messages."""

from __future__ import annotations

from dataclasses import dataclass, field

import discord

from dialogue.preferences import USUAL_LOCALE
from speech.access import Hearer
from words import Words

DEFAULT_UPLOAD_BYTES = 10 * 1024 * 1024
"""Discord's limit where nothing raises it."""


@dataclass(frozen=True)
class Scene:
    """Where something is asked. ``guild`` is None in direct messages, and where Parley is not."""

    user: discord.User | discord.Member
    guild_id: int
    """0 in direct messages."""
    guild: discord.Guild | None
    channel: discord.abc.MessageableChannel | None
    channel_id: int
    locale: str
    upload_bytes: int
    interaction: discord.Interaction | None = field(default=None, repr=False, compare=False)
    """What can be answered privately; None for a message."""

    @property
    def words(self) -> Words:
        """Sentences in the asker's language."""
        return Words.of(self.locale)

    @property
    def role_ids(self) -> tuple[int, ...]:
        """The asker's roles, highest first, without @everyone."""
        if not isinstance(self.user, discord.Member):
            return ()
        return tuple(role.id for role in reversed(self.user.roles) if not role.is_default())

    @property
    def hearer(self) -> Hearer:
        """The asker, as far as it matters for which voices they may use."""
        return Hearer(self.guild_id, frozenset(self.role_ids))

    @property
    def voice_channel_id(self) -> int:
        """The voice channel the asker is in, 0 for none."""
        if self.guild is None:
            return 0
        # Not user.voice: an interaction's member is a copy that knows nothing of voice.
        for channel in (*self.guild.voice_channels, *self.guild.stage_channels):
            if self.user.id in channel.voice_states:
                return channel.id
        return 0

    @staticmethod
    def of_interaction(interaction: discord.Interaction) -> Scene:
        """The scene of a command or a button."""
        channel = interaction.channel
        return Scene(
            user=interaction.user,
            guild_id=interaction.guild_id or 0,
            guild=interaction.client.get_guild(interaction.guild_id or 0),
            channel=channel if isinstance(channel, discord.abc.Messageable) else None,
            channel_id=interaction.channel_id or 0,
            locale=str(interaction.locale),
            upload_bytes=interaction.filesize_limit,
            interaction=interaction,
        )

    @staticmethod
    def of_message(message: discord.Message) -> Scene:
        """The scene of a message; a message does not say its author's language."""
        guild = message.guild
        return Scene(
            user=message.author,
            guild_id=guild.id if guild else 0,
            guild=guild,
            channel=message.channel,
            channel_id=message.channel.id,
            locale=str(guild.preferred_locale) if guild else USUAL_LOCALE,
            upload_bytes=guild.filesize_limit if guild else DEFAULT_UPLOAD_BYTES,
        )


def is_moderator(interaction: discord.Interaction) -> bool:
    """Whether the one who acts may act for others in this channel."""
    return interaction.guild_id is not None and moderating(interaction.permissions)


def guild_permissions(interaction: discord.Interaction) -> discord.Permissions:
    """What the one who acts may do in the whole server, by their roles: one channel adds nothing.

    None where Parley is no member, since it does not know the roles there.
    """
    user = interaction.user
    if not isinstance(user, discord.Member):
        return discord.Permissions.none()
    return user.guild_permissions


def moderating(allowed: discord.Permissions) -> bool:
    """Whether these are a moderator's."""
    return allowed.manage_messages or allowed.moderate_members or allowed.mute_members
