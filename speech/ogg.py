"""Opus packets in an Ogg container (RFC 3533, RFC 7845). Pure.

Written here rather than with FFmpeg's muxer because the bot's own process would have to load all
of FFmpeg, and NumPy with it, for a few headers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from speech.base import FRAME_SAMPLES, LOOKAHEAD, RATE_HZ

PACKETS_A_PAGE = 50
"""A second of sound; with 48 kbit/s far from the 255 segments that a page may have."""

SERIAL = 0x5041524C  # there is one stream in each file, so any number will do
_FIRST, _LAST = 0x02, 0x04

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg(frames: Sequence[bytes]) -> bytes:
    """``frames`` (20 ms each, mono, 48 kHz) as a file."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, LOOKAHEAD, RATE_HZ, 0, 0)
    vendor = b"Parley"
    tags = struct.pack(f"<8sI{len(vendor)}sI", b"OpusTags", len(vendor), vendor, 0)
    return b"".join(_pages([head], [tags], *_batches(frames), samples=len(frames) * FRAME_SAMPLES))


def _batches(frames: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(frames), PACKETS_A_PAGE):
        yield frames[start : start + PACKETS_A_PAGE]


def _pages(
    head: Sequence[bytes], tags: Sequence[bytes], *sound: Sequence[bytes], samples: int
) -> Iterator[bytes]:
    yield _page(head, 0, 0, _FIRST)
    yield _page(tags, 1, 0, 0 if sound else _LAST)
    position = 0
    for number, packets in enumerate(sound, start=2):
        position = min(samples, position + len(packets) * FRAME_SAMPLES)
        yield _page(packets, number, position, _LAST if position == samples else 0)


def _page(packets: Sequence[bytes], number: int, position: int, flags: int) -> bytes:
    """One page. ``position`` counts samples to its end, those that decoders skip included."""
    lacing = bytes(size for packet in packets for size in _segments(len(packet)))
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, SERIAL, number, 0, len(lacing))
    page = b"".join([header, lacing, *packets])
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _segments(length: int) -> Iterator[int]:
    yield from [255] * (length // 255)
    yield length % 255


def _checksum(data: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial with bits in the other order, beginning and ending with 0."""
    reflected = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
