"""Everything the lobby says no to, each with its sentence."""

from __future__ import annotations

from errors import NotAllowed, ParleyError, Unavailable
from words import N_


class LobbyError(ParleyError):
    """Base of the lobby's errors."""


class AlreadySpeaking(LobbyError):
    """They have a session elsewhere (``guild_id``, ``channel_id``): offer to move it."""

    sentence = N_("You already have a voice session, in <#{channel_id}>. You can move it here.")

    def __init__(self, guild_id: int, channel_id: int) -> None:
        super().__init__(guild_id=guild_id, channel_id=channel_id)
        self.guild_id = guild_id
        self.channel_id = channel_id


class LineFull(LobbyError, Unavailable):
    sentence = N_("The line is full right now. Please try again in a few minutes.")


class NoSession(LobbyError, NotAllowed):
    sentence = N_("You have no voice session. Use /voice join to get one.")


class TurnEnded(LobbyError, NotAllowed):
    sentence = N_(
        "Your turn in voice has ended, so I answer in text. Use /voice join to queue again."
    )


class StillWaiting(LobbyError, NotAllowed):
    sentence = N_(
        "You are in the line for voice, at place {position}. I answer in text until then."
    )


class TurnHasCome(LobbyError, NotAllowed):
    """They were called and have not come yet."""

    sentence = N_("It is your turn: come into a voice channel and I will join you.")


class NotInChannel(LobbyError, NotAllowed):
    """They left the channel of their session a moment ago."""

    sentence = N_("You left <#{channel_id}>. Come back soon to keep your voice session.")


class OtherServer(LobbyError, NotAllowed):
    sentence = N_("Your voice session is in <#{channel_id}>, in another server.")


class MutedHere(LobbyError, Unavailable):
    sentence = N_("I am muted in this server, so nobody would hear me. I answer in text.")


class ChannelBusy(LobbyError, Unavailable):
    """One server has one voice connection, and others use it."""

    sentence = N_("In that server I am speaking with others in <#{channel_id}>. Join them there?")


class ServerFull(LobbyError, Unavailable):
    sentence = N_("All voice sessions of that server are in use.")


class LobbyAway(LobbyError, Unavailable):
    """This process cannot see Discord or the database, or another has taken its place."""

    sentence = N_("I am reconnecting. Voice will be back in a moment.")
