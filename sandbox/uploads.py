"""Files as clients send them, and what can be told from their bytes."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field

from sandbox.records import Attachment
from sandbox.world import World

_GENERIC = "application/octet-stream"
# Python's own table lacks these on machines without /etc/mime.types.
_SOUNDS = {"ogg": "audio/ogg", "opus": "audio/ogg", "oga": "audio/ogg", "wav": "audio/wav"}
_UNSAFE = re.compile(r"[^\w.\-]", re.ASCII)


@dataclass(frozen=True)
class Upload:
    """A file on its way in. ``duration_s`` and ``waveform`` belong to voice messages."""

    filename: str
    data: bytes = field(repr=False)
    content_type: str | None = None
    description: str | None = None
    duration_s: float | None = None
    waveform: str | None = None


def store(world: World, channel_id: int, upload: Upload, *, ephemeral: bool) -> Attachment:
    """Keep an upload on the CDN under a safe name."""
    # The name is only ever a part of an address, but it comes from people.
    name = _UNSAFE.sub("_", upload.filename) or "unknown"
    width, height = image_size(upload.data) or (None, None)
    attachment = Attachment(
        id=world.ids.next(),
        channel_id=channel_id,
        filename=name,
        data=upload.data,
        content_type=content_type(upload),
        description=upload.description,
        duration_s=upload.duration_s,
        waveform=upload.waveform,
        width=width,
        height=height,
        ephemeral=ephemeral,
    )
    world.attachments[attachment.id] = attachment
    return attachment


def content_type(upload: Upload) -> str:
    """The declared type, or the one its name suggests where the client declared none.

    discord.py declares every file as ``application/octet-stream``.
    """
    if upload.content_type not in (None, "", _GENERIC):
        return str(upload.content_type)
    suffix = upload.filename.rpartition(".")[2].lower()
    return _SOUNDS.get(suffix) or mimetypes.guess_type(upload.filename)[0] or _GENERIC


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF or JPEG; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the start of frame (SOF0-SOF15 without DHT, JPG, DAC)."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            return int.from_bytes(data[at + 7 : at + 9], "big"), height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
