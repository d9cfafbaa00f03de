"""One gateway websocket: hello, heartbeat, identify or resume, and what a bot may ask.

Close codes are Discord's (Gateway > Close Event Codes); each wrong move gets its own.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.compression import compressor
from sandbox.deeds.voice import bot_voice_request
from sandbox.gateway import PRIVILEGED, Intent, Session
from sandbox.payloads import gateway_url, member_json
from sandbox.records import Json

if TYPE_CHECKING:
    from sandbox.core import Core

HEARTBEAT_S = 41.25
ROUND_TRIP_S = 0.02
"""Before a heartbeat is acknowledged. discord.py notes on a thread of its own that it sent one: an
answer sooner than any network's is taken for late by a whole interval, and warned of."""
_COMMANDS_PER_MINUTE = 120
_CHUNK = 1000
_EVERY_INTENT = sum(Intent)


class Closing(Exception):
    """Close the websocket with this code; ``why`` names the broken rule if there is one."""

    def __init__(self, code: int, reason: str, *, broken: bool = True) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.broken = broken


class Socket:
    """A gateway connection. ``address`` is what the client can be told to come back to."""

    def __init__(self, core: Core, request: web.Request) -> None:
        self._core = core
        self._request = request
        self._ws = web.WebSocketResponse(max_msg_size=1 << 20)
        self._frames: asyncio.Queue[Json | None] = asyncio.Queue()
        self._commands: deque[float] = deque()
        self._heartbeats_lost = False
        self._closed_here = False
        self.session: Session | None = None
        self.address = gateway_url(request.host)

    async def serve(self) -> web.WebSocketResponse:
        """Speak until either side closes."""
        query = self._request.query
        await self._ws.prepare(self._request)
        self._core.gateway.sockets.add(self)
        writer: asyncio.Task[None] | None = None
        try:
            _check_version(query)
            writer = asyncio.create_task(self._write(query.get("compress")))
            self.put({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": 41250}})
            await self._listen()
        except Closing as closing:
            if closing.broken:
                self._core.violate("gateway", closing.reason, closing.code)
            await self._drain(writer)
            await self.close(closing.code, closing.reason)
        finally:
            self._core.gateway.sockets.discard(self)
            if writer:
                writer.cancel()
            self._leave()
        return self._ws

    def put(self, frame: Json) -> None:
        """Queue a frame; frames leave in order."""
        self._frames.put_nowait(frame)

    def lose_heartbeats(self) -> None:
        """From now on heartbeats are not acknowledged (a zombie connection)."""
        self._heartbeats_lost = True

    def abandon(self) -> None:
        """The session moved to another websocket."""
        self.session = None

    async def close(self, code: int, reason: str = "") -> None:
        """Close from the server's side."""
        self._closed_here = True
        await self._ws.close(code=code, message=reason.encode())

    def cut(self) -> None:
        """Drop the TCP connection without a closing handshake."""
        if self._request.transport:
            self._request.transport.abort()

    async def _write(self, compression: str | None) -> None:
        compress = compressor(compression)
        while (frame := await self._frames.get()) is not None:
            text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
            try:
                if compress:
                    await self._ws.send_bytes(compress(text))
                else:
                    await self._ws.send_str(text.decode())
            except ConnectionError:
                return

    async def _drain(self, writer: asyncio.Task[None] | None) -> None:
        self._frames.put_nowait(None)
        if writer:
            await asyncio.wait([writer], timeout=1)

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        code = self._ws.close_code
        self._core.note("gateway.close", session_id=session.id, code=code)
        # 1000 and 1001 from the client say "I am done": such a session cannot be resumed.
        done = not self._closed_here and code in (1000, 1001)
        self._core.gateway.detach(session, resumable=not done)

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._ws.receive(timeout=HEARTBEAT_S * 1.5)
            except TimeoutError:
                raise Closing(4009, "no heartbeat") from None
            if message.type is not WSMsgType.TEXT:
                return
            if len(message.data) > 4096:
                raise Closing(4002, "payload over 4096 bytes")
            try:
                frame = json.loads(message.data)
                op, data = int(frame["op"]), frame.get("d")
            except (ValueError, KeyError, TypeError):
                raise Closing(4002, "cannot decode payload") from None
            self._count(op)
            await self._handle(op, data)

    def _count(self, op: int) -> None:
        now_s = self._core.clock.real_s()
        while self._commands and self._commands[0] < now_s - 60:
            self._commands.popleft()
        self._commands.append(now_s)
        if op != 1 and len(self._commands) > _COMMANDS_PER_MINUTE:
            raise Closing(4008, "more than 120 gateway commands in 60 s")

    async def _handle(self, op: int, data: Any) -> None:
        if op == 1:
            if not self._heartbeats_lost:
                acknowledged = {"op": 11, "s": None, "t": None, "d": None}
                asyncio.get_running_loop().call_later(ROUND_TRIP_S, self.put, acknowledged)
        elif op == 2:
            self._identify(data)
        elif op == 6:
            self._resume(data)
        elif self.session is None:
            raise Closing(4003, f"op {op} before identify")
        elif op == 3:
            self._core.note("gateway.presence", presence=data)
        elif op == 4:
            bot_voice_request(self._core, self.session, data)
        elif op == 8:
            self._members(self.session, data)
        else:
            raise Closing(4001, f"unknown op {op}")

    def _identify(self, data: Json) -> None:
        core = self._core
        if self.session:
            raise Closing(4005, "identified twice")
        if code := core.faults.next_identify_refusal():
            raise Closing(code, "fault: identify refused", broken=False)
        if str(data.get("token", "")).removeprefix("Bot ") != core.token:
            raise Closing(4004, "authentication failed", broken=False)
        shard_id, shards = data.get("shard") or (0, 1)
        if not 0 <= shard_id < shards:
            raise Closing(4010, "invalid shard")
        if "intents" not in data or int(data["intents"]) & ~_EVERY_INTENT:
            raise Closing(4013, "invalid intents")
        if not {"os", "browser", "device"} <= set(data.get("properties") or {}):
            raise Closing(4002, "identify without properties")
        intents = Intent(int(data["intents"]))
        if intents & PRIVILEGED and not core.rules.privileged_intents:
            raise Closing(4014, "disallowed intents", broken=False)
        self.session = core.gateway.start(intents, (shard_id, shards), self)

    def _resume(self, data: Json) -> None:
        if self.session:
            raise Closing(4005, "resumed after identify")
        if str(data.get("token", "")).removeprefix("Bot ") != self._core.token:
            raise Closing(4004, "authentication failed", broken=False)
        self.session = self._core.gateway.resume(
            str(data.get("session_id")), int(data.get("seq") or 0), self
        )
        if self.session is None:
            self._core.note("gateway.resume_refused", session_id=data.get("session_id"))
            self.put({"op": 9, "s": None, "t": None, "d": False})

    def _members(self, session: Session, data: Json) -> None:
        world = self._core.world
        ids = data.get("guild_id")
        guild = world.guilds.get(int(ids[0] if isinstance(ids, list) else ids or 0))
        if guild is None or self._core.bot.id not in guild.members:
            return
        query, limit = data.get("query"), int(data.get("limit") or 0)
        if query == "" and not limit and Intent.GUILD_MEMBERS not in session.intents:
            self._core.violate("intents", "op 8 for all members without GUILD_MEMBERS")
            return
        members = list(guild.members.values())
        missing: list[str] = []
        if wanted := data.get("user_ids"):
            asked = [int(i) for i in (wanted if isinstance(wanted, list) else [wanted])]
            members = [guild.members[i] for i in asked if i in guild.members]
            missing = [str(i) for i in asked if i not in guild.members]
        elif query:
            low = str(query).lower()
            members = [
                m
                for m in members
                if (m.nick or world.users[m.user_id].name).lower().startswith(low)
            ]
        members = members[: limit or None]
        chunks = [members[i : i + _CHUNK] for i in range(0, len(members), _CHUNK)] or [[]]
        for index, chunk in enumerate(chunks):
            body: Json = {
                "guild_id": str(guild.id),
                "members": [member_json(world, m) for m in chunk],
                "chunk_index": index,
                "chunk_count": len(chunks),
                "not_found": missing,
            }
            if data.get("presences"):
                body["presences"] = []
            if data.get("nonce"):
                body["nonce"] = data["nonce"]
            session.send("GUILD_MEMBERS_CHUNK", body)


def _check_version(query: Mapping[str, str]) -> None:
    if query.get("encoding", "json") != "json":
        raise Closing(4002, "only json encoding is spoken here")
    if query.get("v", "10") not in ("9", "10"):
        raise Closing(4012, "invalid API version")
