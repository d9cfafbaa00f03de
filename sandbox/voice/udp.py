"""One UDP socket for all voice sessions, with honest arrival times.

The kernel stamps each datagram when it reaches the machine (SO_TIMESTAMPNS), so that an
event loop busy elsewhere does not make the sender look late. Where the system has no such
stamps, the time of reading is taken.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable

Address = tuple[str, int]
OnDatagram = Callable[[bytes, Address, float], None]
"""``on_datagram(data, sender, age_s)``: ``age_s`` is how long ago it arrived."""

_SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; Python's socket module does not name it
_TIMESPEC = struct.Struct("@ll")
_DATAGRAM_BYTES = 2048
_BATCH = 64  # datagrams read before other tasks get their turn
_BUFFER_BYTES = 1 << 20


class UdpPort:
    """A bound, non-blocking UDP socket read by the running event loop."""

    def __init__(self, ip: str, on_datagram: OnDatagram) -> None:
        """Bind to an ephemeral port of ``ip`` (numeric IPv4)."""
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._stamped = sys.platform == "linux"
        if self._stamped:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((ip, 0))
        self.ip: str = ip
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram; a full or closed socket drops it, as UDP may."""
        try:
            self._socket.sendto(data, address)
        except (BlockingIOError, OSError):
            return

    def close(self) -> None:
        """Stop reading and close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    _DATAGRAM_BYTES, socket.CMSG_SPACE(_TIMESPEC.size)
                )
            except (BlockingIOError, ConnectionError):  # drained, or a peer's port is gone
                return
            self._on_datagram(data, address, _age_s(ancillary))


def _age_s(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, stamp in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack_from(stamp)
            age_s: float = time.time() - seconds - nanoseconds / 1e9
            return max(0.0, age_s)
    return 0.0
