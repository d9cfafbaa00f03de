"""The gateway's sessions: who gets which event, numbered and kept for a resume.

A *session* outlives its websocket: when the connection drops, events go on being
numbered and kept, and a resume replays them. ``gateway_socket.py`` speaks the protocol.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import TYPE_CHECKING

from sandbox.message_json import gateway_message_json
from sandbox.payloads import guild_create_json, own_user_json
from sandbox.records import Guild, Json, Message

if TYPE_CHECKING:
    from sandbox.core import Core
    from sandbox.gateway_socket import Socket

RESUME_WINDOW_S = 90.0
"""How long a session without a connection can be resumed (sandbox time)."""
_KEPT = 2000


class Intent(IntFlag):
    """Gateway intents."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


NO_INTENT = Intent(0)
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT


@dataclass(eq=False)
class Session:
    """One identified client. ``sent`` keeps ``(seq, frame)`` for a resume."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    seq: int = 0
    sent: deque[Json] = field(default_factory=lambda: deque(maxlen=_KEPT))
    socket: Socket | None = None
    expiry: asyncio.Task[None] | None = None

    def send(self, name: str, data: Json) -> bool:
        """Number an event and send it; False when it is only kept for a resume."""
        self.seq += 1
        frame: Json = {"op": 0, "t": name, "s": self.seq, "d": data}
        self.sent.append(frame)
        if self.socket is None:
            return False
        self.socket.put(frame)
        return True

    def missed(self, after: int) -> list[Json] | None:
        """The events after a sequence number; None when they are no longer kept."""
        if after > self.seq:
            return None
        frames = [f for f in self.sent if f["s"] > after]
        return frames if len(frames) == self.seq - after else None


class Gateway:
    """All sessions of the bot's account."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.sessions: dict[str, Session] = {}
        self.sockets: set[Socket] = set()

    @property
    def online(self) -> bool:
        """Whether a client is connected and identified."""
        return any(s.socket for s in self.sessions.values())

    def start(self, intents: Intent, shard: tuple[int, int], socket: Socket) -> Session:
        """Begin a session: READY, then a GUILD_CREATE for each guild of the shard."""
        session = Session(secrets.token_hex(16), intents, shard, socket=socket)
        self.sessions[session.id] = session
        core = self._core
        guilds = [g for g in core.bot_guilds() if _on_shard(g.id, shard)]
        session.send(
            "READY",
            {
                "v": 10,
                "user": own_user_json(core.bot),
                "guilds": [{"id": str(g.id), "unavailable": True} for g in guilds],
                "session_id": session.id,
                "resume_gateway_url": socket.address,
                "shard": list(shard),
                "application": {"id": str(core.bot.id), "flags": self.application_flags()},
                "private_channels": [],
                "session_type": "normal",
            },
        )
        for guild in guilds:
            if not guild.unavailable:
                session.send("GUILD_CREATE", self.guild_create(session, guild))
        core.note("gateway.identify", session_id=session.id, intents=int(intents))
        return session

    def application_flags(self) -> int:
        """The application's flags: the privileged intents it was given (limited variants)."""
        granted = (1 << 13) | (1 << 15) | (1 << 19)
        return granted if self._core.rules.privileged_intents else 0

    def guild_create(self, session: Session, guild: Guild) -> Json:
        """GUILD_CREATE as this session's intents allow it."""
        return guild_create_json(
            self._core.world,
            guild,
            all_members=Intent.GUILD_PRESENCES in session.intents,
            voice=Intent.GUILD_VOICE_STATES in session.intents,
            bot_id=self._core.bot.id,
        )

    def dispatch(
        self,
        name: str,
        data: Json | Callable[[Session], Json],
        *,
        need: Intent = NO_INTENT,
        guild_id: int | None = None,
    ) -> bool:
        """Send an event to every session with the intent on the guild's shard.

        Events without a guild go to shard 0. Returns whether a live connection got it.
        """
        guild = self._core.world.guilds.get(guild_id or 0)
        if guild and (self._core.bot.id not in guild.members or guild.unavailable):
            return False
        delivered = False
        for session in self.sessions.values():
            wanted = not need or bool(session.intents & need)
            if wanted and _on_shard(guild_id or 0, session.shard):
                delivered |= session.send(name, data(session) if callable(data) else data)
        return delivered

    def dispatch_message(self, name: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE with content as the intents allow."""
        direct = message.guild_id is None or message.ephemeral

        def body(session: Session) -> Json:
            return gateway_message_json(
                self._core.world,
                message,
                viewer_id=self._core.bot.id,
                content=Intent.MESSAGE_CONTENT in session.intents,
            )

        self.dispatch(
            name,
            body,
            need=Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES,
            guild_id=None if direct else message.guild_id,
        )

    def detach(self, session: Session, *, resumable: bool) -> None:
        """The session's websocket is gone."""
        session.socket = None
        if not resumable:
            self.end(session)
        elif session.id in self.sessions:
            at_s = self._core.clock.now_s() + RESUME_WINDOW_S
            session.expiry = asyncio.create_task(self._expire(session, at_s))

    def resume(self, session_id: str, after: int, socket: Socket) -> Session | None:
        """Give a session its new websocket and replay what it missed; None if it cannot be."""
        session = self.sessions.get(session_id)
        frames = session.missed(after) if session else None
        if session is None or frames is None:
            return None
        if session.expiry:
            session.expiry.cancel()
            session.expiry = None
        if session.socket:
            session.socket.abandon()
        session.socket = socket
        for frame in frames:
            socket.put(frame)
        session.send("RESUMED", {"_trace": []})
        self._core.note("gateway.resume", session_id=session.id, replayed=len(frames))
        return session

    def end(self, session: Session) -> None:
        """Forget a session; the voice it held is hung up."""
        from sandbox.deeds.voice import leave_voice

        if self.sessions.pop(session.id, None) is None:
            return
        if session.expiry and session.expiry is not asyncio.current_task():
            session.expiry.cancel()
        self._core.note("gateway.end", session_id=session.id)
        for guild in self._core.bot_guilds():
            state = guild.voice_states.get(self._core.bot.id)
            if state and state.session_id == session.id:
                leave_voice(self._core, guild, state.user_id)

    async def close(self) -> None:
        """Hang up on everyone."""
        for session in list(self.sessions.values()):
            if session.expiry:
                session.expiry.cancel()
        for socket in list(self.sockets):
            await socket.close(1001)

    async def _expire(self, session: Session, at_s: float) -> None:
        await self._core.clock.sleep_until(at_s)
        self.end(session)


def _on_shard(guild_id: int, shard: tuple[int, int]) -> bool:
    return (guild_id >> 22) % shard[1] == shard[0]
