"""MLS on the wire: what is written can be read, what is not MLS is refused, signatures hold."""

from __future__ import annotations

from typing import Any

import davey
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.voice.mls import (
    MlsError,
    Reader,
    read_commit_welcome,
    read_key_package,
    ref_hash,
    vector,
)
from sandbox.voice.signing import ExternalSender, check_key_package, verify

CHANNEL = 77
GROUP = CHANNEL.to_bytes(8, "big")


class Exchange:
    """Real bytes: two key packages, and the commit with which one founds a group of two."""

    def __init__(self) -> None:
        self.sender = ExternalSender()
        self.founder = davey.DaveSession(1, 1, CHANNEL)
        self.joiner = davey.DaveSession(1, 2, CHANNEL)
        for member in (self.founder, self.joiner):
            member.set_external_sender(self.sender.package)
        self.key_package = read_key_package(self.joiner.get_serialized_key_package())
        self.add = self.sender.add(GROUP, 0, self.key_package)
        answer = self.founder.process_proposals(
            davey.ProposalsOperationType.append, vector(self.add.message)
        )
        assert answer is not None
        assert answer.welcome is not None
        self.commit_bytes: bytes = answer.commit
        self.welcome_bytes: bytes = answer.welcome


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


@given(st.binary(max_size=20_000), st.binary(max_size=10))
def test_a_vector_reads_back_as_it_was_written(data: bytes, rest: bytes) -> None:
    reader = Reader(vector(data) + rest)
    assert reader.vector() == data
    assert reader.rest() == rest


@pytest.mark.parametrize(
    ("size", "header"), [(0, 1), (63, 1), (64, 2), (16_383, 2), (16_384, 4), (70_000, 4)]
)
def test_a_length_header_is_as_short_as_can_be(size: int, header: int) -> None:
    assert len(vector(bytes(size))) == header + size


@pytest.mark.parametrize("encoded", [b"\x40\x01x", b"\x80\x00\x00\x01x", b"\xc0" + bytes(8)])
def test_a_length_header_that_need_not_be_so_long_is_refused(encoded: bytes) -> None:
    with pytest.raises(MlsError):
        Reader(encoded).vector()


@given(st.binary(max_size=3_000), st.data())
def test_a_vector_cut_short_is_refused(data: bytes, draw: Any) -> None:
    encoded = vector(data)
    cut = draw.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(MlsError):
        Reader(encoded[:cut]).vector()


def test_a_clients_key_package_is_read_and_checked(exchange: Exchange) -> None:
    package = exchange.key_package
    assert package.leaf.identity == (2).to_bytes(8, "big")
    check_key_package(package, 2)
    with pytest.raises(MlsError, match="another user"):
        check_key_package(package, 3)


def test_a_key_package_wrapped_as_the_whitepaper_has_it_is_read_too(exchange: Exchange) -> None:
    wrapped = b"\x00\x01\x00\x05" + exchange.key_package.encoded
    assert read_key_package(wrapped) == exchange.key_package


@given(st.data())
def test_a_key_package_with_any_bit_flipped_never_passes(exchange: Exchange, data: Any) -> None:
    encoded = bytearray(exchange.key_package.encoded)
    bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MlsError):
        check_key_package(read_key_package(bytes(encoded)), 2)


def test_a_commit_and_its_welcome_come_apart_where_they_were_joined(exchange: Exchange) -> None:
    commit, welcome = read_commit_welcome(exchange.commit_bytes + exchange.welcome_bytes)
    assert commit.encoded == exchange.commit_bytes
    assert (commit.group_id, commit.epoch, commit.sender_leaf) == (GROUP, 0, 0)
    assert welcome is not None
    assert welcome.only_for(exchange.key_package.ref) == exchange.welcome_bytes


def test_a_commit_names_its_proposals_by_the_reference_we_compute(exchange: Exchange) -> None:
    commit, _ = read_commit_welcome(exchange.commit_bytes)
    assert commit.refs == (exchange.add.ref,)


def test_a_welcome_that_does_not_name_the_joiner_is_an_error(exchange: Exchange) -> None:
    _, welcome = read_commit_welcome(exchange.commit_bytes + exchange.welcome_bytes)
    assert welcome is not None
    with pytest.raises(MlsError, match="forgets"):
        welcome.only_for(b"somebody else")


@given(st.data())
def test_a_commit_cut_anywhere_is_refused(exchange: Exchange, data: Any) -> None:
    whole = exchange.commit_bytes + exchange.welcome_bytes
    cut = data.draw(st.integers(0, len(whole) - 1))
    assume(cut != len(exchange.commit_bytes))  # there, a commit without a Welcome remains
    with pytest.raises(MlsError):
        read_commit_welcome(whole[:cut])


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_crashes_the_reader(noise: bytes) -> None:
    for read in (read_key_package, read_commit_welcome):
        with pytest.raises(MlsError):
            read(noise)


def test_a_commit_that_brings_its_own_proposal_is_refused(exchange: Exchange) -> None:
    by_reference = vector(b"\x02" + vector(exchange.add.ref))
    by_value = vector(b"\x01\x00\x03\x00\x00\x00\x00")
    forged = exchange.commit_bytes.replace(by_reference, by_value)
    assert forged != exchange.commit_bytes
    with pytest.raises(MlsError, match="of its own"):
        read_commit_welcome(forged)


def test_proposals_are_signed_with_the_key_that_op_25_hands_out(exchange: Exchange) -> None:
    for proposal in (exchange.add, exchange.sender.remove(GROUP, 5, 3)):
        signature_bytes = _trailing_vector(proposal.message)
        signed = proposal.message[: -len(vector(signature_bytes))]
        package = Reader(exchange.sender.package)
        verify(package.vector(), "FramedContentTBS", signed, signature_bytes)
        with pytest.raises(MlsError, match="does not hold"):
            verify(exchange.sender.public_key, "FramedContentTBS", signed + b"!", signature_bytes)


def test_a_member_refuses_proposals_of_another_sender(exchange: Exchange) -> None:
    stranger = ExternalSender()
    forged = stranger.add(GROUP, 0, exchange.key_package)
    member = davey.DaveSession(1, 1, CHANNEL)
    member.set_external_sender(exchange.sender.package)
    with pytest.raises(ValueError, match="process proposals"):
        member.process_proposals(davey.ProposalsOperationType.append, vector(forged.message))


def test_references_differ_by_label() -> None:
    assert ref_hash("KeyPackage Reference", b"x") != ref_hash("Proposal Reference", b"x")


def _trailing_vector(message: bytes) -> bytes:
    """The signature at the end: an ECDSA signature in DER, 68 to 72 bytes, two-byte header."""
    for size in range(66, 73):
        if vector(message[-size:]) == message[-size - 2 :] and message[-size] == 0x30:
            return message[-size:]
    raise AssertionError("no signature at the end")
