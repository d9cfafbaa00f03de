"""What cdn.discordapp.com serves: attachments and default avatars."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.core import Core

_AVATAR_COLOURS = (0x5865F2, 0x747F8D, 0x3BA55C, 0xFAA61A, 0xED4245, 0xEB459E)


class Cdn:
    """Serves everything that is neither /api nor a websocket."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """An attachment by channel, id and name; an avatar; or 404, which is a violation."""
        parts = request.path.strip("/").split("/")
        if parts[0] in ("attachments", "ephemeral-attachments") and len(parts) == 4:
            return self._attachment(parts)
        if parts[:2] == ["embed", "avatars"] and len(parts) == 3:
            index = parts[2].partition(".")[0]
            number = int(index) if index.isdigit() else 0
            return web.Response(body=avatar(number), content_type="image/png")
        self._core.violate("unknown-route", f"{request.method} {request.path}", 404)
        return web.Response(status=404, text="404: Not Found")

    def _attachment(self, parts: list[str]) -> web.Response:
        _, channel_id, attachment_id, filename = parts
        known = attachment_id.isdigit() and self._core.world.attachments.get(int(attachment_id))
        if not known or str(known.channel_id) != channel_id or known.filename != filename:
            return web.Response(status=404, text="This content is no longer available.")
        self._core.note("cdn", attachment=known)
        # Never rendered in place: a browser must not run what people uploaded.
        headers = {"Content-Disposition": f'attachment; filename="{known.filename}"'}
        kind = known.content_type.partition(";")[0]
        return web.Response(body=known.data, content_type=kind, headers=headers)


def avatar(index: int, size: int = 16) -> bytes:
    """A one-coloured PNG, like Discord's default avatars."""
    colour = _AVATAR_COLOURS[index % len(_AVATAR_COLOURS)].to_bytes(3, "big")
    rows = (b"\x00" + colour * size) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
