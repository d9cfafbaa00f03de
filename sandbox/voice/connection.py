"""One voice websocket: reads what the client sends, checks it, and hands it to its session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Protocol

from aiohttp import WSMsgType, web

from sandbox.voice.listener import Reply
from sandbox.voice.mls import MlsError
from sandbox.voice.opcodes import DAVE_VERSION, GATEWAY_VERSION, Close, Op
from sandbox.voice.sealing import MODES
from sandbox.voice.session import Payload, Session

ABNORMAL = 1006


class Refusal(Exception):
    """Close the websocket with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Desk(Protocol):
    """What a websocket asks of the voice host."""

    heartbeat_interval_s: float

    def identify(self, data: Mapping[str, object]) -> Session:
        """Check IDENTIFY and open a session; raises :class:`Refusal`."""

    def resume(self, data: Mapping[str, object]) -> Session:
        """Check RESUME and find the session; raises :class:`Refusal`."""

    def ready(self, session: Session) -> Mapping[str, object]:
        """The data of READY for this session."""

    def describe(self, session: Session, mode: str) -> None:
        """Answer SELECT PROTOCOL, and bring the client into its call."""

    def speaking(self, session: Session, flags: int, ssrc: int) -> None:
        """The client's light went on or off."""

    def lost(self, session: Session, connection: Connection, code: int) -> None:
        """The websocket of ``session`` is closed, with this code."""


class Connection:
    """Serves one websocket until it closes. Implements :class:`~sandbox.voice.session.Pipe`."""

    def __init__(self, desk: Desk, request: web.Request) -> None:
        self._desk = desk
        self._request = request
        self._socket = web.WebSocketResponse(max_msg_size=1 << 20)
        self._queue: asyncio.Queue[tuple[Payload, float]] = asyncio.Queue()
        self._session: Session | None = None
        self._code: int | None = None
        self._closing: asyncio.Task[bool] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def serve(self) -> web.WebSocketResponse:
        """Say HELLO and answer until the end; returns the finished response."""
        await self._socket.prepare(self._request)
        writer = asyncio.create_task(self._write())
        interval_ms = round(self._desk.heartbeat_interval_s * 1000)
        self._put_json(Op.HELLO, {"v": GATEWAY_VERSION, "heartbeat_interval": interval_ms})
        self._expect_heartbeat()
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._read_json(message.data)
                elif message.type is WSMsgType.BINARY:
                    self._read_binary(message.data)
        except Refusal as refusal:
            self._code = refusal.code
            await self._socket.close(code=refusal.code, message=str(refusal).encode()[:120])
        finally:
            if self._deadline:
                self._deadline.cancel()
            writer.cancel()
            if self._session:
                code = self._code or self._socket.close_code or ABNORMAL
                self._desk.lost(self._session, self, code)
        return self._socket

    def put(self, payload: Payload, hold_s: float = 0.0) -> None:
        """Queue a message; it and all after it wait ``hold_s`` first."""
        self._queue.put_nowait((payload, hold_s))

    def close(self, code: int) -> None:
        """Close with ``code``, once; what is still queued is dropped."""
        if self._code is None:
            self._code = code
            self._closing = asyncio.create_task(self._socket.close(code=code))

    def abort(self) -> None:
        """Cut the TCP connection."""
        if self._request.transport:
            self._code = ABNORMAL
            self._request.transport.abort()

    async def _write(self) -> None:
        while True:
            payload, hold_s = await self._queue.get()
            if hold_s:
                await asyncio.sleep(hold_s)
            try:
                if isinstance(payload, str):
                    await self._socket.send_str(payload)
                else:
                    await self._socket.send_bytes(payload)
            except (ConnectionError, RuntimeError):  # closing: the reader sees it too
                return

    def _put_json(self, op: Op, data: object) -> None:
        """HELLO, heartbeat acknowledgements and RESUMED are not numbered."""
        self.put(json.dumps({"op": op, "d": data}))

    def _expect_heartbeat(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(
            2 * self._desk.heartbeat_interval_s, self.close, Close.SESSION_TIMEOUT
        )

    def _read_json(self, text: str) -> None:
        try:
            message = json.loads(text)
            op, data = message["op"], message.get("d")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(Close.DECODE_ERROR, "not a payload") from None
        if op == Op.HEARTBEAT:
            self._heartbeat(data)
            return
        if not isinstance(data, dict):
            raise Refusal(Close.DECODE_ERROR, "d is not an object")
        if op in (Op.IDENTIFY, Op.RESUME):
            self._authenticate(op, data)
            return
        if self._session is None:
            raise Refusal(Close.NOT_AUTHENTICATED, f"op {op} before identify")
        self._handle(self._session, op, data)

    def _heartbeat(self, data: object) -> None:
        """Version 8 sends ``{"t": nonce, "seq_ack": n}``."""
        if not isinstance(data, dict) or not isinstance(data.get("t"), int):
            raise Refusal(Close.DECODE_ERROR, "a version 8 heartbeat has t and seq_ack")
        self._expect_heartbeat()
        sequence = data.get("seq_ack")
        if self._session and isinstance(sequence, int):
            self._session.acknowledge(sequence)
        self._put_json(Op.HEARTBEAT_ACK, {"t": data["t"]})

    def _authenticate(self, op: int, data: dict[str, object]) -> None:
        if self._session:
            raise Refusal(Close.ALREADY_AUTHENTICATED, "already authenticated")
        if op == Op.IDENTIFY:
            session = self._desk.identify(data)
            self._session, session.pipe = session, self
            session.send_json(Op.READY, self._desk.ready(session))
        else:
            session = self._desk.resume(data)
            self._session, session.pipe = session, self
            sequence = data.get("seq_ack")
            if isinstance(sequence, int):
                session.acknowledge(sequence)
            session.replay()
            self._put_json(Op.RESUMED, None)

    def _handle(self, session: Session, op: int, data: dict[str, object]) -> None:
        match op:
            case Op.SELECT_PROTOCOL:
                self._select(session, data)
            case Op.SPEAKING:
                self._desk.speaking(session, _number(data, "speaking"), _number(data, "ssrc"))
            case Op.DAVE_TRANSITION_READY | Op.MLS_INVALID_COMMIT_WELCOME:
                reply = Reply(Op(op), transition_id=_number(data, "transition_id"))
                self._to_call(session, reply)
            case Op.CLIENT_CONNECT:
                return
            case _:
                raise Refusal(Close.UNKNOWN_OPCODE, f"unknown opcode {op}")

    def _select(self, session: Session, data: dict[str, object]) -> None:
        if data.get("protocol") != "udp":
            raise Refusal(Close.UNKNOWN_PROTOCOL, "the protocol is udp")
        choice = data.get("data")
        if not isinstance(choice, dict) or choice.get("mode") not in MODES:
            raise Refusal(Close.UNKNOWN_ENCRYPTION_MODE, "the mode is not one that READY offered")
        self._desk.describe(session, str(choice["mode"]))

    def _read_binary(self, data: bytes) -> None:
        """Client to server: u8 opcode, body, no sequence number."""
        if self._session is None:
            raise Refusal(Close.NOT_AUTHENTICATED, "binary before identify")
        try:
            op = Op(data[0])
        except (IndexError, ValueError):
            raise Refusal(Close.UNKNOWN_OPCODE, "unknown binary opcode") from None
        self._to_call(self._session, Reply(op, bytes(data[1:])))

    @staticmethod
    def _to_call(session: Session, reply: Reply) -> None:
        if session.call is None:
            raise Refusal(Close.BAD_REQUEST, f"op {int(reply.op)} before select protocol")
        try:
            session.call.receive(session.ticket.user_id, reply)
        except MlsError as error:
            raise Refusal(Close.BAD_REQUEST, str(error)) from None


def _number(data: Mapping[str, object], field: str) -> int:
    value = data.get(field)
    if not isinstance(value, int):
        raise Refusal(Close.BAD_REQUEST, f"{field} must be a number")
    return value


def speaks_dave(data: Mapping[str, object]) -> bool:
    """Whether IDENTIFY offers a DAVE version that this server knows."""
    version = data.get("max_dave_protocol_version", 0)
    return isinstance(version, int) and version >= DAVE_VERSION
