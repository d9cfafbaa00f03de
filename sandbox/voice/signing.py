"""Signatures of DAVE's ciphersuite, and the voice gateway's own voice: the external sender.

A voice gateway may not join the group it serves, but every DAVE group names it in its
``external_senders`` extension (RFC 9420, section 12.1.8.1), so that members accept its
signed proposals to add and to remove. ECDSA on P-256 with SHA-256 throughout.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.voice import mls

_ECDSA = ec.ECDSA(hashes.SHA256())
_ANY_TIME = (0, 2**64 - 1)


@dataclass(frozen=True)
class Proposal:
    """One signed proposal: the MLSMessage for op 27, and the ProposalRef commits name it by."""

    message: bytes
    ref: bytes


class ExternalSender:
    """Signs proposals for the groups of one voice server. The key lives and dies with it."""

    def __init__(self, identity: bytes = b"sandbox") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        credential = struct.pack(">H", mls.CREDENTIAL_BASIC) + mls.vector(identity)
        self.package = mls.vector(self.public_key) + credential
        """The body of op 25: an ExternalSender structure."""

    def add(self, group_id: bytes, epoch: int, key_package: mls.KeyPackage) -> Proposal:
        """Propose to add the owner of ``key_package`` (section 12.1.1)."""
        body = struct.pack(">H", mls.PROPOSAL_ADD) + key_package.encoded
        return self._proposal(group_id, epoch, body)

    def remove(self, group_id: bytes, epoch: int, leaf: int) -> Proposal:
        """Propose to remove the member at leaf index ``leaf`` (section 12.1.3)."""
        return self._proposal(group_id, epoch, struct.pack(">HI", mls.PROPOSAL_REMOVE, leaf))

    def _proposal(self, group_id: bytes, epoch: int, body: bytes) -> Proposal:
        """A PublicMessage from external sender 0 (sections 6, 6.1 and 6.2).

        No group context is signed and no membership tag follows: only members have those.
        """
        content = (
            mls.vector(group_id)
            + struct.pack(">QBI", epoch, mls.SENDER_EXTERNAL, 0)
            + mls.vector(b"")  # authenticated_data
            + bytes([mls.CONTENT_PROPOSAL])
            + body
        )
        version = struct.pack(">H", mls.VERSION_MLS10)
        wire_format = struct.pack(">H", mls.WIRE_PUBLIC_MESSAGE)
        to_sign = sign_content("FramedContentTBS", version + wire_format + content)
        signed = content + mls.vector(self._key.sign(to_sign, _ECDSA))
        return Proposal(
            version + wire_format + signed,
            mls.ref_hash("Proposal Reference", wire_format + signed),
        )


def sign_content(label: str, content: bytes) -> bytes:
    """SignContent of section 5.1.2: what is really signed for ``content`` under ``label``."""
    return mls.vector(b"MLS 1.0 " + label.encode()) + mls.vector(content)


def verify(public_key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """VerifyWithLabel of section 5.1.2; raises :class:`~sandbox.voice.mls.MlsError`."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        key.verify(signature, sign_content(label, content), _ECDSA)
    except (ValueError, InvalidSignature):
        raise mls.MlsError(f"the signature of {label} does not hold") from None


def check_key_package(key_package: mls.KeyPackage, user_id: int) -> None:
    """What a voice gateway checks before it proposes an Add (whitepaper, "Key Packages").

    The credential is the authenticated user, the lifetime has no bounds, and both
    signatures hold. Raises :class:`~sandbox.voice.mls.MlsError`.
    """
    leaf = key_package.leaf
    if leaf.identity != user_id.to_bytes(8, "big"):
        raise mls.MlsError("the credential names another user")
    if leaf.lifetime != _ANY_TIME:
        raise mls.MlsError("the key package's lifetime is bounded")
    verify(leaf.signature_key, "LeafNodeTBS", leaf.signed, leaf.signature)
    verify(leaf.signature_key, "KeyPackageTBS", key_package.signed, key_package.signature)
