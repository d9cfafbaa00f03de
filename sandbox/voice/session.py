"""A client's voice session: what outlives its websocket, so that it can be resumed."""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import Protocol

from sandbox.ports import VoiceTicket
from sandbox.voice.call import Call
from sandbox.voice.faults import VoiceFaults
from sandbox.voice.opcodes import Op
from sandbox.voice.rtp import RECEIVER_REPORT
from sandbox.voice.sealing import CIPHERS, KEY_BYTES, Cipher, seal_packet
from sandbox.voice.udp import Address

_SEQUENCES = 1 << 16
Payload = str | bytes


class Pipe(Protocol):
    """The websocket under a session, while there is one."""

    def put(self, payload: Payload, hold_s: float = 0.0) -> None:
        """Queue a message; it and all after it wait ``hold_s`` first."""

    def close(self, code: int) -> None:
        """Close with ``code``."""

    def abort(self) -> None:
        """Cut the TCP connection."""


class Session:
    """One client in one guild's voice. Messages are numbered from 0, JSON and binary
    together, and kept until a heartbeat acknowledges them."""

    def __init__(self, ticket: VoiceTicket, ssrc: int, faults: VoiceFaults) -> None:
        self.ticket = ticket
        self.ssrc = ssrc
        self.pipe: Pipe | None = None
        self.call: Call | None = None
        self.cipher: Cipher | None = None
        self.announced = False
        """Whether the client has sent op 5, as it must before it sends sound."""
        self.packets = 0
        """How many RTP packets have come."""
        self.reports = 0
        """How many RTCP reports were sent."""
        self.address: Address | None = None
        """Where its UDP packets come from, once it has asked (IP discovery)."""
        self._faults = faults
        self._next = 0
        self._kept: deque[tuple[int, Payload]] = deque()

    def choose_cipher(self, mode: str) -> bytes:
        """Make a fresh secret key for ``mode``, one of :data:`~sandbox.voice.sealing.MODES`."""
        key = secrets.token_bytes(KEY_BYTES)
        self.cipher = CIPHERS[mode](key)
        return key

    def report(self, cipher: Cipher) -> bytes:
        """The next RTCP receiver report, sealed."""
        self.reports += 1
        return seal_packet(cipher, RECEIVER_REPORT, b"", self.reports)

    def send_json(self, op: Op, data: object) -> None:
        """Queue a numbered JSON message."""
        number = self._number()
        self._send(number, json.dumps({"op": op, "d": data, "seq": number}))

    def send_binary(self, op: Op, body: bytes) -> None:
        """Queue a numbered binary message: u16 sequence, u8 opcode, body."""
        number = self._number()
        slow = op in (Op.MLS_ANNOUNCE_COMMIT_TRANSITION, Op.MLS_WELCOME)
        hold_s = self._faults.welcome_delay_s if slow else 0.0
        self._send(number, number.to_bytes(2, "big") + bytes([op]) + body, hold_s)

    def acknowledge(self, sequence: int) -> None:
        """The client has everything up to ``sequence``; unknown numbers change nothing."""
        if any(number == sequence for number, _ in self._kept):
            while self._kept.popleft()[0] != sequence:
                pass

    def replay(self) -> None:
        """Queue again what the client has not acknowledged, after a resume."""
        if self.pipe:
            for _, payload in self._kept:
                self.pipe.put(payload)

    def _send(self, number: int, payload: Payload, hold_s: float = 0.0) -> None:
        self._kept.append((number, payload))
        if self.pipe:
            self.pipe.put(payload, hold_s)

    def _number(self) -> int:
        number = self._next
        self._next = (number + 1) % _SEQUENCES
        return number
