"""Points discord.py at any server that speaks Discord's protocol, with nothing patched.

Every host name discord.py asks for (REST, gateway, CDN) resolves to one address; TLS is checked
as always, against the given certificate authority. Voice follows by itself: the server names its
endpoint in VOICE_SERVER_UPDATE.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from errors import SettingsError


@dataclass(frozen=True)
class Elsewhere:
    """A server that is not Discord's own: its address, and who vouches for it."""

    host: str
    port: int
    ca_file: Path | None = None

    @staticmethod
    def parse(address: str, ca_file: Path | None) -> Elsewhere:
        """Read ``HOST:PORT``. Raises :class:`SettingsError`."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(file="--discord", key=address, problem="is not HOST:PORT")
        if ca_file is not None and not ca_file.is_file():
            raise SettingsError(file="--ca", key=str(ca_file), problem="is not a file")
        return Elsewhere(host.strip("[]"), int(port), ca_file)

    def connector(self) -> aiohttp.TCPConnector:
        """A connector for ``discord.Client``; make it in the loop that will use it."""
        context = ssl.create_default_context(cafile=self.ca_file)
        return aiohttp.TCPConnector(resolver=_OneAddress(self.host, self.port), ssl=context)


class _OneAddress(AbstractResolver):
    """Resolves every name to the same host and port."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=self._host, port=self._port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held open."""
