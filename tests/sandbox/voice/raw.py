"""A voice client without manners: every message by hand, to do what discord.py never does."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import davey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.ports import VoiceTicket
from sandbox.server import Sandbox
from sandbox.voice.opcodes import Op

PATIENCE_S = 10.0
STRANGER = 7_000
"""A user who is nobody's bot; tests hand out tickets to them directly."""


def ticket(sandbox: Sandbox, channel_id: int, user_id: int = STRANGER, number: int = 1) -> Any:
    """Tell the voice host to expect this user, as the gateway does after op 4."""
    guild_id = sandbox.guilds[0].id
    made = VoiceTicket(guild_id, channel_id, user_id, f"session-{user_id}-{number}", f"t{number}")
    sandbox.core.voice.expect(made)
    return made


@dataclass
class RawVoice:
    """One websocket, the UDP socket that goes with it, and a DAVE session."""

    socket: aiohttp.ClientWebSocketResponse
    ticket: VoiceTicket
    messages: list[dict[str, Any]] = field(default_factory=list)
    binaries: list[bytes] = field(default_factory=list)
    last_sequence: int = -1
    ssrc: int = 0
    sequence: int = 0
    timestamp: int = 0
    key: bytes = b""
    dave: davey.DaveSession | None = None
    udp: socket.socket | None = None

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, sandbox: Sandbox, ticket: Any) -> RawVoice:
        host, port = sandbox.address
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        url = f"wss://{host}:{port}/?v=8"
        raw = cls(await http.ws_connect(url, ssl=context), ticket)
        assert (await raw.json(Op.HELLO))["v"] == 8
        return raw

    async def send(self, op: int, data: object) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, **changes: object) -> None:
        data = {
            "server_id": str(self.ticket.guild_id),
            "user_id": str(self.ticket.user_id),
            "session_id": self.ticket.session_id,
            "token": self.ticket.token,
            "max_dave_protocol_version": 1,
        }
        await self.send(Op.IDENTIFY, data | changes)

    async def resume(self, **changes: object) -> None:
        data = {
            "server_id": str(self.ticket.guild_id),
            "session_id": self.ticket.session_id,
            "token": self.ticket.token,
            "seq_ack": self.last_sequence,
        }
        await self.send(Op.RESUME, data | changes)

    async def receive(self) -> dict[str, Any] | bytes | None:
        """The next message; None when the websocket is closed."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            payload: dict[str, Any] = json.loads(message.data)
            self.last_sequence = payload.get("seq", self.last_sequence)
            self.messages.append(payload)
            return payload
        if message.type is aiohttp.WSMsgType.BINARY:
            data: bytes = message.data
            self.last_sequence = int.from_bytes(data[:2], "big")
            self.binaries.append(data)
            return data
        return None

    async def json(self, op: int) -> Any:
        """The data of the next JSON message with this opcode, whatever comes before."""
        while (message := await self.receive()) is not None:
            if isinstance(message, dict) and message["op"] == op:
                return message["d"]
        raise AssertionError(f"closed with {self.socket.close_code} before op {op}")

    async def closed(self) -> int | None:
        """The code the server closes with, whatever it says before."""
        while await self.receive() is not None:
            pass
        return self.socket.close_code

    async def connect(self, mode: str = "aead_aes256_gcm_rtpsize") -> dict[str, Any]:
        """Identify, discover, select ``mode``; returns the session description."""
        await self.identify()
        ready = await self.json(Op.READY)
        self.ssrc = ready["ssrc"]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)
        self.udp.connect((ready["ip"], ready["port"]))
        address, port = await self.discover()
        data = {"address": address, "port": port, "mode": mode}
        await self.send(Op.SELECT_PROTOCOL, {"protocol": "udp", "data": data})
        description: dict[str, Any] = await self.json(Op.SESSION_DESCRIPTION)
        self.key = bytes(description["secret_key"])
        return description

    async def discover(self) -> tuple[str, int]:
        await self.datagram(struct.pack(">HHI66x", 1, 70, self.ssrc))
        reply = await self.answer()
        assert struct.unpack_from(">HHI", reply) == (2, 70, self.ssrc)
        return reply[8:72].rstrip(b"\0").decode(), int.from_bytes(reply[72:], "big")

    async def datagram(self, data: bytes) -> None:
        assert self.udp
        await asyncio.get_running_loop().sock_sendall(self.udp, data)

    async def answer(self) -> bytes:
        assert self.udp
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self.udp, 2048)

    async def join_dave(self) -> None:
        """Take part in the key exchange until the first transition is executed."""
        self.dave = davey.DaveSession(1, self.ticket.user_id, self.ticket.channel_id)
        await self.socket.send_bytes(
            bytes([Op.MLS_KEY_PACKAGE]) + self.dave.get_serialized_key_package()
        )
        while True:
            message = await self.receive()
            assert message is not None
            if isinstance(message, bytes):
                await self.follow(message[2], message[3:])
            elif message["op"] == Op.DAVE_EXECUTE_TRANSITION:
                return

    async def follow(self, op: int, body: bytes) -> None:
        assert self.dave
        if op == Op.MLS_EXTERNAL_SENDER:
            self.dave.set_external_sender(body)
        elif op == Op.MLS_PROPOSALS:
            kinds = davey.ProposalsOperationType
            kind = kinds.revoke if body[0] else kinds.append
            if answer := self.dave.process_proposals(kind, body[1:]):
                packed = answer.commit + (answer.welcome or b"")
                await self.socket.send_bytes(bytes([Op.MLS_COMMIT_WELCOME]) + packed)
        else:
            welcome = op == Op.MLS_WELCOME
            (self.dave.process_welcome if welcome else self.dave.process_commit)(body[2:])
            transition_id = int.from_bytes(body[:2], "big")
            await self.send(Op.DAVE_TRANSITION_READY, {"transition_id": transition_id})

    async def speak(self, opus: bytes, *, extension: bytes = b"", padding: int = 0) -> None:
        """Send one frame, sealed with AES; with a header extension and padding if asked."""
        payload = self.dave.encrypt_opus(opus) if self.dave and self.dave.ready else opus
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + 960) & 0xFFFFFFFF
        first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
        header = struct.pack(">BBHII", first, 0x78, self.sequence, self.timestamp, self.ssrc)
        if extension:
            header += struct.pack(">HH", 0xBEDE, len(extension) // 4)
        if padding:
            payload += bytes(padding - 1) + bytes([padding])
        nonce = struct.pack(">I", self.sequence)
        sealed = AESGCM(self.key).encrypt(nonce + bytes(8), extension + payload, header)
        await self.datagram(header + sealed + nonce)

    async def close(self) -> None:
        if self.udp:
            self.udp.close()
        await self.socket.close()
