"""The voice server: who may come in, and which call each session is in.

Implements :class:`sandbox.ports.VoiceHost`. One UDP port (:mod:`sandbox.voice.media`) and
one DAVE signing key serve every guild.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from itertools import count
from typing import Any

from aiohttp import web

from sandbox.ports import VoiceTicket, VoiceWorld
from sandbox.voice.call import Call
from sandbox.voice.connection import Connection, Refusal, speaks_dave
from sandbox.voice.faults import VoiceFaults
from sandbox.voice.hearing import Hearing, Speaking
from sandbox.voice.listener import Listener
from sandbox.voice.media import Media
from sandbox.voice.opcodes import DAVE_VERSION, Close, Op
from sandbox.voice.sealing import MODES
from sandbox.voice.session import Session
from sandbox.voice.signing import ExternalSender

HEARTBEAT_INTERVAL_S = 13.75
RESUME_WINDOW_S = 15.0
"""How long, in sandbox time, a user whose websocket is gone stays in the channel."""
LOOPBACK = "127.0.0.1"
_FIRST_SSRC = 1000
_VOIDING = (Close.SESSION_INVALID, Close.SESSION_TIMEOUT)
_FINAL = (1000, Close.DISCONNECTED, *_VOIDING)
"""Codes after which a session cannot be resumed, whoever closed."""

Key = tuple[int, int]
"""Guild and user."""


class Host:
    """The sound side of one sandbox. Open it with :func:`open_voice`."""

    def __init__(
        self, world: VoiceWorld, endpoint: str, ip: str, heartbeat_interval_s: float
    ) -> None:
        self.heartbeat_interval_s = heartbeat_interval_s
        self._world = world
        self._endpoint = endpoint
        self._faults = VoiceFaults(self)
        self._media = Media(world, self._faults, ip)
        self._sender = ExternalSender()
        self._guilds: set[int] = set()
        self._tickets: dict[Key, VoiceTicket] = {}
        self._sessions: dict[Key, Session] = {}
        self._ssrcs = count(_FIRST_SSRC)
        self._calls: dict[Key, Call] = {}
        self._hearings: dict[Key, Hearing] = {}
        self._absent: dict[Key, float] = {}
        """Who has lost their websocket, and until when they may come back (sandbox time)."""
        self._tasks: set[asyncio.Task[None]] = set()

    # sandbox.ports.VoiceHost

    @property
    def endpoint(self) -> str:
        """``host:port`` of the websocket."""
        return self._endpoint

    @property
    def faults(self) -> VoiceFaults:
        """What goes wrong on purpose."""
        return self._faults

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serve one voice websocket."""
        return await Connection(self, request).serve()

    def expect(self, ticket: VoiceTicket) -> None:
        """Let this ticket in; an older one of the same guild and user is void."""
        key = (ticket.guild_id, ticket.user_id)
        self._guilds.add(ticket.guild_id)
        self._tickets[key] = ticket
        self._absent.pop(key, None)
        session = self._sessions.get(key)
        if session and session.ticket != ticket:
            self._end(session, Close.DISCONNECTED)

    def forget(self, guild_id: int, user_id: int, code: int = Close.DISCONNECTED) -> None:
        """The user left or was removed: void the ticket, close the websocket with ``code``."""
        self._tickets.pop((guild_id, user_id), None)
        self._absent.pop((guild_id, user_id), None)
        if session := self._sessions.get((guild_id, user_id)):
            self._end(session, code)

    def members_changed(self, guild_id: int, channel_id: int, listener_ids: frozenset[int]) -> None:
        """The scripted members now in this channel: listen for each of them."""
        call = self._call(guild_id, channel_id)
        for gone in call.listeners.keys() - listener_ids:
            call.leave(gone)
        for new in sorted(listener_ids - call.listeners.keys()):
            call.listen(Listener(guild_id, channel_id, new, self.heard(guild_id, new)))
        self._sweep(call)

    def mute(self, guild_id: int, user_id: int, muted: bool) -> None:
        """From now on nobody hears this speaker, or everybody does again."""
        self._media.mute(guild_id, user_id, muted)

    def heard(self, guild_id: int, member_id: int) -> Hearing:
        """What a scripted member has heard in this guild, and goes on hearing."""
        return self._hearings.setdefault((guild_id, member_id), Hearing())

    async def close(self) -> None:
        """Close every connection and socket."""
        for task in self._tasks:
            task.cancel()
        for session in list(self._sessions.values()):
            self._end(session, 1001)
        for call in self._calls.values():
            call.close()
        self._media.close()

    # sandbox.voice.faults.Connections

    def close_connection(self, guild_id: int, user_id: int, code: int) -> None:
        """Close this user's websocket with ``code``, as if this server had a reason to."""
        session = self._session(guild_id, user_id)
        if session.pipe:
            session.pipe.close(code)

    def drop_connection(self, guild_id: int, user_id: int) -> None:
        """Cut this user's websocket at the TCP level."""
        session = self._session(guild_id, user_id)
        if session.pipe:
            session.pipe.abort()

    def garble_commit(self, guild_id: int, user_id: int) -> None:
        """Send this user's client a commit that is none, outside of any transition."""
        session = self._session(guild_id, user_id)
        if session.call is None:
            raise LookupError(f"user {user_id} is in no call of guild {guild_id}")
        session.send_binary(Op.MLS_ANNOUNCE_COMMIT_TRANSITION, b"\xff\xffnot a commit")

    # sandbox.voice.connection.Desk

    def identify(self, data: Mapping[str, object]) -> Session:
        """Check IDENTIFY and open a session; raises :class:`Refusal`."""
        key = _key(data.get("server_id"), data.get("user_id"))
        if key[0] not in self._guilds:
            raise Refusal(Close.SERVER_NOT_FOUND, "no such server")
        ticket = self._tickets.get(key)
        if ticket is None or ticket.session_id != data.get("session_id"):
            raise Refusal(Close.SESSION_INVALID, "session is no longer valid")
        if ticket.token != data.get("token"):
            raise Refusal(Close.AUTHENTICATION_FAILED, "authentication failed")
        if not speaks_dave(data):
            raise Refusal(Close.DAVE_REQUIRED, "this call is end-to-end encrypted")
        if older := self._sessions.get(key):
            self._end(older, Close.SESSION_INVALID)
        session = Session(ticket, next(self._ssrcs), self._faults)
        self._sessions[key] = session
        self._media.admit(session)
        self._absent.pop(key, None)
        self._note("voice.identify", session)
        return session

    def resume(self, data: Mapping[str, object]) -> Session:
        """Check RESUME and find the session; raises :class:`Refusal`."""
        for session in self._sessions.values():
            ticket = session.ticket
            if ticket.session_id == data.get("session_id") and str(ticket.guild_id) == str(
                data.get("server_id")
            ):
                if self._faults.refuse_resume:
                    self._end(session, Close.SESSION_INVALID)
                    break
                if ticket.token != data.get("token"):
                    raise Refusal(Close.AUTHENTICATION_FAILED, "authentication failed")
                if session.pipe:
                    session.pipe.close(Close.SESSION_INVALID)
                self._absent.pop((ticket.guild_id, ticket.user_id), None)
                self._note("voice.resume", session)
                return session
        raise Refusal(Close.SESSION_INVALID, "session is no longer valid")

    def ready(self, session: Session) -> Mapping[str, object]:
        """The data of READY for this session."""
        ip, port = self._media.address
        return {
            "ssrc": session.ssrc,
            "ip": ip,
            "port": port,
            "modes": list(MODES),
            "experiments": [],
        }

    def describe(self, session: Session, mode: str) -> None:
        """Answer SELECT PROTOCOL with a secret key, and bring the client into its call."""
        if self._faults.withhold_description:
            self._note("voice.withheld", session)
            return
        key = session.choose_cipher(mode)
        session.send_json(
            Op.SESSION_DESCRIPTION,
            {
                "mode": mode,
                "secret_key": list(key),
                "dave_protocol_version": DAVE_VERSION,
                "audio_codec": "opus",
                "video_codec": "H264",
                "media_session_id": f"{session.ticket.session_id}-{session.ssrc}",
            },
        )
        if session.call is None:
            ticket = session.ticket
            session.call = self._call(ticket.guild_id, ticket.channel_id)
            session.call.connect(ticket.user_id, session)
        self._note("voice.ready", session, ssrc=session.ssrc, mode=mode)

    def speaking(self, session: Session, flags: int, ssrc: int) -> None:
        """The client's light went on or off."""
        if ssrc != session.ssrc:
            self._world.violate("voice.ssrc", f"speaking with SSRC {ssrc}, not {session.ssrc}")
            return
        if not session.announced:
            self._media.report(session)
        session.announced = True
        user_id, at_s = session.ticket.user_id, self._world.clock.real_s()
        self._note("voice.speaking", session, flags=flags)
        if session.call:
            session.call.speaking(Speaking(user_id, ssrc, at_s, flags != 0), flags)

    def lost(self, session: Session, connection: Connection, code: int) -> None:
        """A websocket has closed. The session waits to be resumed, unless the code forbids."""
        if session.pipe is not connection:
            return
        session.pipe = None
        self._note("voice.close", session, code=code)
        if not self._current(session):
            return
        key = (session.ticket.guild_id, session.ticket.user_id)
        if code in _VOIDING:
            self._tickets.pop(key, None)
        if code in _FINAL:
            self._end(session, code)
        until_s = self._absent[key] = self._world.clock.now_s() + RESUME_WINDOW_S
        self._spawn(self._await_return(session.ticket, code, until_s))

    # what is left: sessions and calls

    async def _await_return(self, ticket: VoiceTicket, code: int, until_s: float) -> None:
        """Tell the world that the user is gone, unless they come back in time."""
        await self._world.clock.sleep_until(until_s)
        key = (ticket.guild_id, ticket.user_id)
        if self._absent.get(key) != until_s:
            return
        del self._absent[key]
        self._tickets.pop(key, None)
        if session := self._sessions.get(key):
            self._end(session, code)
        self._world.voice_closed(*key, code)

    def _end(self, session: Session, code: int) -> None:
        """Forget a session: out of its call, and its websocket closed with ``code``."""
        key = (session.ticket.guild_id, session.ticket.user_id)
        if self._current(session):
            del self._sessions[key]
        self._media.dismiss(session)
        if session.pipe:
            session.pipe.close(code)
        if session.call:
            session.call.leave(session.ticket.user_id)
            self._sweep(session.call)
            session.call = None

    def _current(self, session: Session) -> bool:
        return self._sessions.get((session.ticket.guild_id, session.ticket.user_id)) is session

    def _session(self, guild_id: int, user_id: int) -> Session:
        session = self._sessions.get((guild_id, user_id))
        if session is None or session.pipe is None:
            raise LookupError(f"user {user_id} has no voice websocket in guild {guild_id}")
        return session

    def _call(self, guild_id: int, channel_id: int) -> Call:
        key = (guild_id, channel_id)
        if key not in self._calls:
            world = self._world
            self._calls[key] = Call(guild_id, channel_id, self._sender, world.note, world.violate)
        return self._calls[key]

    def _sweep(self, call: Call) -> None:
        """Forget a call that everybody has left."""
        if not call.present:
            call.close()
            self._calls.pop((call.guild_id, call.channel_id), None)

    def _note(self, kind: str, session: Session, **details: object) -> None:
        ticket = session.ticket
        where = {"guild_id": ticket.guild_id, "channel_id": ticket.channel_id}
        self._world.note(kind, user_id=ticket.user_id, **where, **details)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _key(server_id: object, user_id: object) -> Key:
    """Snowflakes come as strings; anything else names nobody."""
    try:
        return int(str(server_id)), int(str(user_id))
    except ValueError:
        raise Refusal(Close.DECODE_ERROR, "server_id and user_id are snowflakes") from None


async def open_voice(
    world: VoiceWorld,
    host: str,
    port: int,
    *,
    heartbeat_interval_s: float = HEARTBEAT_INTERVAL_S,
) -> Host:
    """Open the voice side of a sandbox whose TLS server is ``host:port``.

    UDP binds to loopback; ``await host.close()`` ends everything.
    """
    return Host(world, f"{host}:{port}", LOOPBACK, heartbeat_interval_s)
