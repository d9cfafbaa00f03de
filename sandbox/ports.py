"""The seam between the sandbox (REST, gateway) and its voice (websocket, UDP, DAVE).

The gateway decides *who is where*; the voice host carries *sound*. When the bot sends
op 4, the gateway makes a ``VoiceTicket``, tells the host to ``expect`` it, and answers
VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE with the ticket's session id, token and the
host's ``endpoint``. Scripted members have no voice connection of their own: the host
hears for them, and is told who is in which channel with ``members_changed``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from sandbox.clock import Clock
from sandbox.voice.faults import VoiceFaults
from sandbox.voice.hearing import Hearing


@dataclass(frozen=True)
class VoiceTicket:
    """What a voice websocket must present in IDENTIFY (op 0) to be let in."""

    guild_id: int
    channel_id: int
    user_id: int
    session_id: str
    token: str


class VoiceWorld(Protocol):
    """What a voice host may ask of the sandbox."""

    @property
    def clock(self) -> Clock: ...

    def note(self, kind: str, **details: object) -> None:
        """Write a line of the timeline, such as ``note("voice.ready", guild_id=..., ssrc=...)``.

        Wakes ``sandbox.until`` and live listeners.
        """

    def poke(self) -> None:
        """Wake ``sandbox.until`` without writing a line: call it for each frame heard."""

    def violate(self, rule: str, detail: str) -> None:
        """Record a broken rule of Discord's; tests assert that there are none."""

    def voice_closed(self, guild_id: int, user_id: int, code: int) -> None:
        """The voice connection is gone for good (not a resume): the member leaves the channel."""


class VoiceHost(Protocol):
    """The sound side of the sandbox; ``sandbox.voice.host.open_voice`` makes the real one."""

    @property
    def endpoint(self) -> str:
        """``host:port`` as VOICE_SERVER_UPDATE gives it; wss:// is put before it by clients."""

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serve one voice websocket; the sandbox mounts this on its own TLS port."""

    def expect(self, ticket: VoiceTicket) -> None:
        """Let this ticket in. An older ticket of the same guild and user is void from now
        on, and its websocket is closed with 4014 (the client then follows the new one)."""

    def forget(self, guild_id: int, user_id: int, code: int = 4014) -> None:
        """The user left or was removed: void the ticket, close the websocket with ``code``."""

    def members_changed(self, guild_id: int, channel_id: int, listener_ids: frozenset[int]) -> None:
        """The scripted members now in this channel (never a user with a ticket): the host
        listens for each of them. Sent on every change; the empty set when all have left."""

    def mute(self, guild_id: int, user_id: int, muted: bool) -> None:
        """A moderator silenced this speaker: from now on nobody hears what they send (the
        packets are dropped, groups and keys stay as they are), until told otherwise."""

    def heard(self, guild_id: int, member_id: int) -> Hearing:
        """What a scripted member has heard in this guild so far, and goes on hearing.

        One and the same object from the first call on, also before the member joins."""

    @property
    def faults(self) -> VoiceFaults:
        """What goes wrong on purpose; see ``sandbox/voice/faults.py``."""

    async def close(self) -> None:
        """Close every connection and socket."""


OpenVoice = Callable[[VoiceWorld, str, int], Awaitable[VoiceHost]]
"""``await open_voice(world, host, port)``: host and port are those of the TLS server."""
