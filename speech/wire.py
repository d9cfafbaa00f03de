"""Messages between the bot and a speaking worker, over a pair of pipes. Pure.

A message is a header and a body: ``u32`` length of the body, ``u8`` kind, ``u32`` job (0: none).
The body is JSON, or frames (each ``u16`` length, then the packet).

To the worker: SETUP once, then JOB, CREDIT, CANCEL, WARM, PING, in any order. Closing the pipe ends
the worker. From the worker: READY once; around each step of a job ONSTAGE and then one of FRAMES,
WAITING, END or FAILED, and LOADING when a voice begins to be opened and when it is, so that the bot
knows whose work it was when a worker dies; PONG.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_HEADER = struct.Struct("!IBI")
_FRAME = struct.Struct("!H")
BODY_LIMIT = 1 << 24
"""No honest message is longer; a longer one means that something else wrote into the pipe."""


class Kind(IntEnum):
    """What a message is."""

    SETUP = 1
    JOB = 2
    CREDIT = 3
    CANCEL = 4
    PING = 5
    WARM = 6
    READY = 16
    ONSTAGE = 17
    FRAMES = 18
    WAITING = 19
    END = 20
    FAILED = 21
    PONG = 22
    LOADING = 23


@dataclass(frozen=True)
class Message:
    """One message; ``body`` as it was on the wire."""

    kind: Kind
    job: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body of every kind but FRAMES."""
        value = json.loads(self.body or b"{}")
        if not isinstance(value, dict):
            raise TypeError("a message's body is a JSON object")
        return value

    def frames(self) -> list[bytes]:
        """The packets of a FRAMES message."""
        found, at = [], 0
        while at < len(self.body):
            (size,) = _FRAME.unpack_from(self.body, at)
            at += _FRAME.size
            found.append(self.body[at : at + size])
            at += size
        return found


def pack(kind: Kind, job: int = 0, body: Mapping[str, Any] | None = None) -> bytes:
    """A message with a JSON body."""
    data = json.dumps(body).encode() if body else b""
    return _HEADER.pack(len(data), kind, job) + data


def pack_frames(job: int, frames: Iterable[bytes]) -> bytes:
    """A FRAMES message."""
    data = b"".join(_FRAME.pack(len(frame)) + frame for frame in frames)
    return _HEADER.pack(len(data), Kind.FRAMES, job) + data


class Unpacker:
    """Makes messages of bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes. Raises ValueError when it is no message."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= _HEADER.size:
            size, kind, job = _HEADER.unpack_from(self._buffer)
            if size > BODY_LIMIT:
                raise ValueError("not a message")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                break
            messages.append(Message(Kind(kind), job, bytes(self._buffer[_HEADER.size : end])))
            del self._buffer[:end]
        return messages
