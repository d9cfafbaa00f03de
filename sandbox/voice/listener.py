"""A scripted member's ears: a real member of the DAVE group, with keys of its own.

It answers the voice gateway as a client would, but is called rather than sent to. Frames
are decrypted as they come, because senders' keys ratchet and epochs change; decoding them
to sound waits until somebody asks (:meth:`sandbox.voice.hearing.Hearing.pcm`).
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass

import davey

from sandbox.voice.group import APPEND, FIRST_EPOCH
from sandbox.voice.hearing import Hearing, Speaking, Unheard
from sandbox.voice.opcodes import DAVE_VERSION, Op
from sandbox.voice.rtp import RtpHeader

_DAVEY_ERRORS = (ValueError, RuntimeError)
"""What davey raises for a message or frame that it cannot use."""


@dataclass(frozen=True)
class Reply:
    """What a member sends: ``body`` of a binary message, or ``transition_id`` of a JSON one."""

    op: Op
    body: bytes = b""
    transition_id: int = 0


class Listener:
    """One member's DAVE session, and the record of what it heard."""

    def __init__(self, guild_id: int, channel_id: int, user_id: int, hearing: Hearing) -> None:
        self.user_id = user_id
        self.hearing = hearing
        self._guild_id = guild_id
        self._channel_id = channel_id
        self._dave = davey.DaveSession(DAVE_VERSION, user_id, channel_id)

    def receive(self, op: Op, body: bytes, present: Collection[int]) -> list[Reply]:
        """Take a binary DAVE message. ``present`` are the users that may be proposed to join."""
        match op:
            case Op.MLS_EXTERNAL_SENDER:
                self._dave.set_external_sender(body)
                return [self._fresh_key_package()]
            case Op.MLS_PROPOSALS:
                return self._propose(body, present)
            case Op.MLS_ANNOUNCE_COMMIT_TRANSITION | Op.MLS_WELCOME:
                return self._follow(op, body)
            case _:
                raise AssertionError(f"the gateway sends no binary {op!r}")

    def prepare_epoch(self, epoch: int) -> list[Reply]:
        """Op 24: a new group begins with epoch 1."""
        return self._start_over() if epoch == FIRST_EPOCH else []

    def hear(self, speaker_id: int, header: RtpHeader, payload: bytes, arrived_s: float) -> None:
        """Decrypt and record one frame, or record that it could not be."""
        try:
            opus = self._dave.decrypt(speaker_id, davey.MediaType.audio, payload)
        except _DAVEY_ERRORS as error:
            self.hearing.miss(
                Unheard(speaker_id, header.ssrc, header.sequence, arrived_s, str(error))
            )
            return
        self.hearing.hear(
            guild_id=self._guild_id,
            channel_id=self._channel_id,
            speaker_id=speaker_id,
            ssrc=header.ssrc,
            sequence=header.sequence,
            rtp_time=header.timestamp,
            arrived_s=arrived_s,
            opus=opus,
        )

    def see(self, speaking: Speaking) -> None:
        """A speaker's light went on or off."""
        self.hearing.light(speaking)

    @property
    def privacy_code(self) -> str | None:
        """The group's 30-digit code, equal for all members of an epoch."""
        return self._dave.voice_privacy_code

    @property
    def leaf_index(self) -> int | None:
        """Where this member sits in the group's tree; None before there is a group."""
        return self._dave.own_leaf_index

    def _propose(self, body: bytes, present: Collection[int]) -> list[Reply]:
        kinds = davey.ProposalsOperationType
        kind = kinds.append if body[:1] == APPEND else kinds.revoke
        try:
            result = self._dave.process_proposals(kind, body[1:], list(present))
        except _DAVEY_ERRORS:  # refused; a commit of it by others is then answered with op 31
            return []
        if result is None:
            return []
        return [Reply(Op.MLS_COMMIT_WELCOME, result.commit + (result.welcome or b""))]

    def _follow(self, op: Op, body: bytes) -> list[Reply]:
        transition_id = struct.unpack_from(">H", body)[0]
        process = self._dave.process_welcome if op is Op.MLS_WELCOME else self._dave.process_commit
        try:
            process(body[2:])
        except _DAVEY_ERRORS:
            invalid = Reply(Op.MLS_INVALID_COMMIT_WELCOME, transition_id=transition_id)
            return [invalid, *self._start_over()]
        return [Reply(Op.DAVE_TRANSITION_READY, transition_id=transition_id)]

    def _start_over(self) -> list[Reply]:
        self._dave.reinit(DAVE_VERSION, self.user_id, self._channel_id)
        return [self._fresh_key_package()]

    def _fresh_key_package(self) -> Reply:
        return Reply(Op.MLS_KEY_PACKAGE, self._dave.get_serialized_key_package())
