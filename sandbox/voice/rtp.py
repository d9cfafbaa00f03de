"""RTP packets as Discord's voice clients send them (RFC 3550, and "rtpsize" encryption).

In the two ``*_rtpsize`` modes the fixed header, the CSRC list and the four bytes that begin
a header extension stay readable and are authenticated; the extension's body and the payload
are encrypted; a 32-bit nonce is appended (Discord, "Transport Encryption Modes").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

RATE_HZ = 48_000
FRAME_SAMPLES = 960
FRAME_S = FRAME_SAMPLES / RATE_HZ
OPUS_PAYLOAD_TYPE = 120
NONCE_BYTES = 4
RECEIVER_REPORT = struct.pack(">BBHI", 0x80, 201, 1, 1)
"""An RTCP receiver report without blocks, from SSRC 1 (RFC 3550, section 6.4.2)."""
_FIXED = struct.Struct(">BBHII")


class RtpError(ValueError):
    """The datagram is not an RTP packet that Discord would accept."""


@dataclass(frozen=True, slots=True)
class RtpHeader:
    """The readable part of a packet. ``length`` is its size in bytes, which is also the
    extent of the authenticated data; ``extension_bytes`` is how much of the decrypted
    payload belongs to the header extension."""

    sequence: int
    timestamp: int
    ssrc: int
    length: int
    extension_bytes: int
    padded: bool


def parse_header(packet: bytes) -> RtpHeader:
    """Read the header of ``packet``; raises :class:`RtpError`."""
    if len(packet) < _FIXED.size:
        raise RtpError(f"{len(packet)} bytes are too few for RTP")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    if first >> 6 != 2:
        raise RtpError(f"RTP version {first >> 6}, not 2")
    if second & 0x7F != OPUS_PAYLOAD_TYPE:
        raise RtpError(f"payload type {second & 0x7F}, not {OPUS_PAYLOAD_TYPE} (Opus)")
    length = _FIXED.size + 4 * (first & 0x0F)
    extension_bytes = 0
    if first & 0x10:
        if len(packet) < length + 4:
            raise RtpError("the header extension is cut short")
        extension_bytes = 4 * struct.unpack_from(">H", packet, length + 2)[0]
        length += 4
    if len(packet) < length + NONCE_BYTES:
        raise RtpError("no room for the nonce")
    return RtpHeader(sequence, timestamp, ssrc, length, extension_bytes, bool(first & 0x20))


def payload_of(header: RtpHeader, plain: bytes) -> bytes:
    """The media in a decrypted payload: without header extension and padding."""
    media = plain[header.extension_bytes :]
    if header.padded:
        if not media or not 0 < media[-1] <= len(media):
            raise RtpError("the padding is longer than the payload")
        media = media[: -media[-1]]
    return media


def ssrc_of(packet: bytes) -> int:
    """The SSRC of an RTP packet of at least 12 bytes, unchecked."""
    return int.from_bytes(packet[8:12], "big")


def signed_difference(later: int, earlier: int, bits: int) -> int:
    """``later - earlier`` on a counter that wraps at ``2**bits``, the shorter way round."""
    half = 1 << (bits - 1)
    return ((later - earlier + half) & ((1 << bits) - 1)) - half
