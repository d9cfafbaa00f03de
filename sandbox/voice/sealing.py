"""Transport encryption between one client and this server.

Both modes that Discord still offers are AEADs with a 32-bit nonce appended to the packet
and zeros after it up to the cipher's nonce size; the readable header is authenticated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings as nacl
from nacl.exceptions import CryptoError

from sandbox.voice.rtp import NONCE_BYTES, RtpError, RtpHeader

KEY_BYTES = 32


class Cipher(Protocol):
    """One of the two modes, with a session's key. ``nonce`` is the 4 bytes on the wire."""

    def seal(self, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
        """Ciphertext and tag."""

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """Plain bytes; raises :class:`~sandbox.voice.rtp.RtpError` for another key's packet."""


class _Aes:
    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def seal(self, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
        return self._aes.encrypt(nonce.ljust(12, b"\0"), plain, associated)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return self._aes.decrypt(nonce.ljust(12, b"\0"), sealed, associated)
        except (InvalidTag, ValueError):
            raise RtpError(_FOREIGN) from None


class _XChaCha:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
        return nacl.crypto_aead_xchacha20poly1305_ietf_encrypt(
            plain, associated, nonce.ljust(24, b"\0"), self._key
        )

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return nacl.crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed, associated, nonce.ljust(24, b"\0"), self._key
            )
        except CryptoError:
            raise RtpError(_FOREIGN) from None


_FOREIGN = "the packet is not sealed with this session's key"
CIPHERS: dict[str, Callable[[bytes], Cipher]] = {
    "aead_aes256_gcm_rtpsize": _Aes,
    "aead_xchacha20_poly1305_rtpsize": _XChaCha,
}
MODES = tuple(CIPHERS)
"""In the order READY offers them: Discord prefers AES, which needs hardware support."""


def open_packet(cipher: Cipher, header: RtpHeader, packet: bytes) -> bytes:
    """Decrypt what follows the header of ``packet``; raises :class:`RtpError`."""
    sealed, nonce = packet[header.length : -NONCE_BYTES], packet[-NONCE_BYTES:]
    return cipher.open(nonce, sealed, packet[: header.length])


def seal_packet(cipher: Cipher, header: bytes, plain: bytes, number: int) -> bytes:
    """Encrypt ``plain`` behind a readable ``header``, with the nonce ``number``."""
    nonce = number.to_bytes(NONCE_BYTES, "big")
    return header + cipher.seal(nonce, plain, header) + nonce
