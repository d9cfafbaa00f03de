"""Reading and writing the MLS messages (RFC 9420) that pass through a voice gateway.

The gateway is not a member of the group: it sees key packages, public commits and
welcomes, and must only split, check and forward them. What it cannot read (the encrypted
group secrets) is kept as bytes. Section numbers below are RFC 9420's.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

VERSION_MLS10 = 1
CIPHERSUITE = 2
"""MLS_128_DHKEMP256_AES128GCM_SHA256_P256, the one that DAVE version 1 uses (section 17.1)."""
WIRE_PUBLIC_MESSAGE = 1
WIRE_KEY_PACKAGE = 5
SENDER_MEMBER = 1
SENDER_EXTERNAL = 2
CONTENT_PROPOSAL = 2
CONTENT_COMMIT = 3
PROPOSAL_ADD = 1
PROPOSAL_REMOVE = 3
CREDENTIAL_BASIC = 1
LEAF_FROM_KEY_PACKAGE = 1
LEAF_FROM_COMMIT = 3


class MlsError(ValueError):
    """The bytes are not the MLS message they should be."""


def vector(data: bytes) -> bytes:
    """``opaque<V>``: a variable-size length header, then the bytes (section 2.1.2)."""
    size = len(data)
    if size < 1 << 6:
        return bytes([size]) + data
    if size < 1 << 14:
        return struct.pack(">H", 0x4000 | size) + data
    if size < 1 << 30:
        return struct.pack(">I", 0x8000_0000 | size) + data
    raise MlsError(f"{size} bytes do not fit in a vector")


class Reader:
    """Reads the TLS presentation language from the front of a buffer."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self.position

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; raises :class:`MlsError` when there are fewer."""
        if size > self.left:
            raise MlsError(f"cut short: {size} bytes wanted, {self.left} left")
        self.position += size
        return self._data[self.position - size : self.position]

    def uint(self, size: int) -> int:
        """A big-endian unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self) -> bytes:
        """``opaque<V>``; the length header must be the shortest possible (section 2.1.2)."""
        first = self.uint(1)
        width = 1 << (first >> 6)
        if width == 8:
            raise MlsError("invalid length header")
        size = first & 0x3F
        if width > 1:
            size = size << (8 * (width - 1)) | self.uint(width - 1)
            if size < (1 << 6 if width == 2 else 1 << 14):
                raise MlsError("the length header is longer than it need be")
        return self.take(size)

    def since(self, start: int) -> bytes:
        """The bytes read since ``position`` was ``start``."""
        return self._data[start : self.position]

    def rest(self) -> bytes:
        """Everything not yet read."""
        return self.take(self.left)

    def end(self, what: str) -> None:
        """Raises :class:`MlsError` unless everything was read."""
        if self.left:
            raise MlsError(f"{self.left} bytes after the {what}")


def ref_hash(label: str, value: bytes) -> bytes:
    """RefHash of section 5.2, with ciphersuite 2's SHA-256."""
    return hashlib.sha256(vector(b"MLS 1.0 " + label.encode()) + vector(value)).digest()


@dataclass(frozen=True)
class LeafNode:
    """A member's place in the tree (section 7.2). ``signed`` is LeafNodeTBS without the
    group context that leaves from commits add; ``lifetime`` is None but in key packages."""

    signature_key: bytes
    identity: bytes
    source: int
    lifetime: tuple[int, int] | None
    signed: bytes
    signature: bytes


@dataclass(frozen=True)
class KeyPackage:
    """What a joiner offers to be added with (section 10). ``signed`` is KeyPackageTBS."""

    encoded: bytes
    leaf: LeafNode
    signed: bytes
    signature: bytes

    @property
    def ref(self) -> bytes:
        """KeyPackageRef, by which a Welcome names its readers (section 5.2)."""
        return ref_hash("KeyPackage Reference", self.encoded)


@dataclass(frozen=True)
class Commit:
    """A public commit (sections 6.2 and 12.4). ``encoded`` is the whole MLSMessage;
    ``refs`` are the proposals it applies, in its order; ``leaf`` is the committer's new leaf."""

    encoded: bytes
    group_id: bytes
    epoch: int
    sender_leaf: int
    refs: tuple[bytes, ...]
    leaf: LeafNode | None


@dataclass(frozen=True)
class Welcome:
    """A Welcome (section 12.4.3.1): encrypted secrets by KeyPackageRef, and the group info."""

    secrets: dict[bytes, bytes]
    encrypted_group_info: bytes

    def only_for(self, key_package_ref: bytes) -> bytes:
        """The Welcome with one joiner's secrets: what DAVE op 30 carries.

        Raises :class:`MlsError` when the Welcome does not name this key package.
        """
        try:
            secrets = self.secrets[key_package_ref]
        except KeyError:
            raise MlsError("the Welcome forgets a joiner") from None
        return struct.pack(">H", CIPHERSUITE) + vector(secrets) + vector(self.encrypted_group_info)


def read_key_package(data: bytes) -> KeyPackage:
    """The body of DAVE op 26. Clients send a bare KeyPackage; the whitepaper's MLSMessage
    around it is accepted too."""
    reader = Reader(data)
    _expect(reader.uint(2), VERSION_MLS10, "protocol version")
    if (suite := reader.uint(2)) == WIRE_KEY_PACKAGE:
        data = data[4:]
        reader = Reader(data)
        _expect(reader.uint(2), VERSION_MLS10, "protocol version")
        suite = reader.uint(2)
    _expect(suite, CIPHERSUITE, "ciphersuite")
    reader.vector()  # init_key
    leaf = _read_leaf(reader)
    _expect(leaf.source, LEAF_FROM_KEY_PACKAGE, "leaf node source")
    reader.vector()  # extensions
    signed = reader.since(0)
    signature = reader.vector()
    reader.end("key package")
    return KeyPackage(data, leaf, signed, signature)


def read_commit_welcome(data: bytes) -> tuple[Commit, Welcome | None]:
    """The body of DAVE op 28: a commit, and a Welcome when it adds someone."""
    reader = Reader(data)
    commit = _read_commit(reader)
    return commit, _read_welcome(reader.rest()) if reader.left else None


def _read_commit(reader: Reader) -> Commit:
    """MLSMessage(PublicMessage(FramedContent(Commit))), sections 6, 6.1, 6.2 and 12.4."""
    start = reader.position
    _expect(reader.uint(2), VERSION_MLS10, "protocol version")
    _expect(reader.uint(2), WIRE_PUBLIC_MESSAGE, "wire format")
    group_id = reader.vector()
    epoch = reader.uint(8)
    _expect(reader.uint(1), SENDER_MEMBER, "sender type")
    sender_leaf = reader.uint(4)
    reader.vector()  # authenticated_data
    _expect(reader.uint(1), CONTENT_COMMIT, "content type")
    refs = _read_refs(Reader(reader.vector()))
    leaf = None
    if reader.uint(1):  # optional<UpdatePath>, section 7.6
        leaf = _read_leaf(reader)
        reader.vector()  # nodes
    reader.vector()  # signature
    reader.vector()  # confirmation_tag
    reader.vector()  # membership_tag
    return Commit(reader.since(start), group_id, epoch, sender_leaf, refs, leaf)


def _read_refs(reader: Reader) -> tuple[bytes, ...]:
    refs = []
    while reader.left:
        if reader.uint(1) != 2:  # ProposalOrRefType, section 12.4
            raise MlsError("the commit carries a proposal of its own")
        refs.append(reader.vector())
    return tuple(refs)


def _read_welcome(data: bytes) -> Welcome:
    reader = Reader(data)
    _expect(reader.uint(2), CIPHERSUITE, "ciphersuite")
    each = Reader(reader.vector())
    secrets = {}
    while each.left:
        start = each.position
        key_package_ref = each.vector()
        each.vector()  # kem_output
        each.vector()  # ciphertext
        secrets[key_package_ref] = each.since(start)
    encrypted_group_info = reader.vector()
    reader.end("Welcome")
    return Welcome(secrets, encrypted_group_info)


def _read_leaf(reader: Reader) -> LeafNode:
    start = reader.position
    reader.vector()  # encryption_key
    signature_key = reader.vector()
    _expect(reader.uint(2), CREDENTIAL_BASIC, "credential type")
    identity = reader.vector()
    for _ in range(5):  # capabilities: versions, suites, extensions, proposals, credentials
        reader.vector()
    source = reader.uint(1)
    lifetime = None
    if source == LEAF_FROM_KEY_PACKAGE:
        lifetime = (reader.uint(8), reader.uint(8))
    elif source == LEAF_FROM_COMMIT:
        reader.vector()  # parent_hash
    reader.vector()  # extensions
    signed = reader.since(start)
    return LeafNode(signature_key, identity, source, lifetime, signed, reader.vector())


def _expect(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise MlsError(f"{what} {found}, not {wanted}")
