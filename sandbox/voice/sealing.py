"""Transport encryption of RTP payloads, the receiving side.

Both modes that Discord still offers are AEADs with a 32-bit nonce appended to the packet
and zeros after it up to the cipher's nonce size; the readable header is authenticated.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError

from sandbox.voice.rtp import NONCE_BYTES, RtpError, RtpHeader

KEY_BYTES = 32
Cipher = Callable[[bytes, bytes, bytes], bytes]
"""``cipher(nonce, ciphertext, associated_data)`` -> plain bytes; raises ``RtpError``."""


def _aes(key: bytes) -> Cipher:
    aes = AESGCM(key)

    def open_sealed(nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        try:
            return aes.decrypt(nonce.ljust(12, b"\0"), ciphertext, associated)
        except (InvalidTag, ValueError):
            raise RtpError("the packet is not sealed with this session's key") from None

    return open_sealed


def _xchacha(key: bytes) -> Cipher:
    def open_sealed(nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                ciphertext, associated, nonce.ljust(24, b"\0"), key
            )
        except CryptoError:
            raise RtpError("the packet is not sealed with this session's key") from None

    return open_sealed


CIPHERS: dict[str, Callable[[bytes], Cipher]] = {
    "aead_aes256_gcm_rtpsize": _aes,
    "aead_xchacha20_poly1305_rtpsize": _xchacha,
}
MODES = tuple(CIPHERS)
"""In the order READY offers them: Discord prefers AES, which needs hardware support."""


def open_packet(cipher: Cipher, header: RtpHeader, packet: bytes) -> bytes:
    """Decrypt what follows the header of ``packet``; raises :class:`RtpError`."""
    sealed, nonce = packet[header.length : -NONCE_BYTES], packet[-NONCE_BYTES:]
    return cipher(nonce, sealed, packet[: header.length])
