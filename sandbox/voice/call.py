"""Everybody in one voice channel: clients over the network, and scripted listeners.

The call keeps the MLS group going (:mod:`sandbox.voice.group` decides, this performs) and
hands each frame to every listener.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from sandbox.voice.group import (
    APPEND,
    AwaitReady,
    Binary,
    Effect,
    Group,
    InvalidCommitError,
    Json,
    StaleCommitError,
)
from sandbox.voice.hearing import Speaking
from sandbox.voice.listener import Listener, Reply
from sandbox.voice.mls import MlsError
from sandbox.voice.opcodes import Op
from sandbox.voice.rtp import RtpHeader
from sandbox.voice.signing import ExternalSender

TRANSITION_TIMEOUT_S = 2.0
"""How long members may take to get ready (whitepaper, "Member Remove")."""
HEAD_START_S = 0.25
"""How long listeners hold their commits back, so that a client's commit, which has a
network to cross, wins the race when the client is able to commit at all."""


class CallClient(Protocol):
    """A user who is connected over the network."""

    def send_json(self, op: Op, data: object) -> None:
        """Queue a numbered JSON message."""

    def send_binary(self, op: Op, body: bytes) -> None:
        """Queue a numbered binary message."""


class Call:
    """One channel's media session. ``note`` and ``violate`` are those of ``VoiceWorld``."""

    def __init__(
        self,
        guild_id: int,
        channel_id: int,
        sender: ExternalSender,
        note: Callable[..., None],
        violate: Callable[[str, str], None],
    ) -> None:
        self.guild_id = guild_id
        self.channel_id = channel_id
        self.group = Group(channel_id, sender)
        self.clients: dict[int, CallClient] = {}
        self.listeners: dict[int, Listener] = {}
        self._note = note
        self._violate = violate
        self._pending: deque[Effect] = deque()
        self._performing = False
        self._clients_may_commit = False
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def present(self) -> set[int]:
        """Everybody in the call."""
        return self.clients.keys() | self.listeners.keys()

    def connect(self, user_id: int, client: CallClient) -> None:
        """A client is ready for media: introduce everybody, and begin DAVE."""
        self.clients[user_id] = client
        if others := sorted(self.present - {user_id}):
            client.send_json(Op.CLIENTS_CONNECT, {"user_ids": [str(other) for other in others]})
        self._arrive(user_id)

    def listen(self, listener: Listener) -> None:
        """A scripted member joins and listens."""
        self.listeners[listener.user_id] = listener
        self._arrive(listener.user_id)

    def leave(self, user_id: int) -> None:
        """A client or listener is gone. Unknown users are ignored."""
        if self.clients.pop(user_id, None) is None and self.listeners.pop(user_id, None) is None:
            return
        for client in self.clients.values():
            client.send_json(Op.CLIENT_DISCONNECT, {"user_id": str(user_id)})
        self._perform(self.group.leave(user_id))

    def close(self) -> None:
        """Stop every timer."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def receive(self, user_id: int, reply: Reply) -> None:
        """A DAVE message from a member, by network or from a listener; too late if they left.

        Raises :class:`~sandbox.voice.mls.MlsError` for bytes that cannot be read.
        """
        if user_id not in self.present:
            return
        match reply.op:
            case Op.MLS_KEY_PACKAGE:
                self._perform(self.group.key_package(user_id, reply.body))
            case Op.MLS_COMMIT_WELCOME:
                self._commit(user_id, reply.body)
            case Op.DAVE_TRANSITION_READY:
                self._perform(self.group.ready(user_id, reply.transition_id))
            case Op.MLS_INVALID_COMMIT_WELCOME:
                self._tell("voice.invalid_commit", user_id=user_id)
                self._perform(self.group.invalid(user_id))
            case _:
                raise MlsError(f"members do not send {reply.op!r}")

    def media(self, speaker_id: int, header: RtpHeader, payload: bytes, arrived_s: float) -> None:
        """One frame, still encrypted end to end, for all who listen."""
        for listener in self.listeners.values():
            listener.hear(speaker_id, header, payload, arrived_s)

    def speaking(self, speaking: Speaking, flags: int) -> None:
        """Tell everybody else that a speaker's light went on or off."""
        data = {"user_id": str(speaking.speaker_id), "ssrc": speaking.ssrc, "speaking": flags}
        for user_id, client in self.clients.items():
            if user_id != speaking.speaker_id:
                client.send_json(Op.SPEAKING, data)
        for listener in self.listeners.values():
            listener.see(speaking)

    def _arrive(self, user_id: int) -> None:
        for other, client in self.clients.items():
            if other != user_id:
                client.send_json(Op.CLIENTS_CONNECT, {"user_ids": [str(user_id)]})
        self._perform(self.group.join(user_id))

    def _commit(self, user_id: int, body: bytes) -> None:
        try:
            effects = self.group.commit(user_id, body)
        except StaleCommitError:
            return
        except InvalidCommitError as error:
            self._violate("dave.commit", str(error))
            return
        self._tell("voice.epoch", committer_id=user_id)
        self._perform(effects)

    def _tell(self, kind: str, **details: object) -> None:
        self._note(
            kind,
            guild_id=self.guild_id,
            channel_id=self.channel_id,
            epoch=self.group.epoch,
            member_ids=sorted(self.group.roster),
            **details,
        )

    def _perform(self, effects: list[Effect]) -> None:
        """Do ``effects`` in order. What listeners answer is done after what is already due."""
        if asked := [e for e in effects if isinstance(e, Binary) and e.op is Op.MLS_PROPOSALS]:
            self._clients_may_commit = any(
                e.user_id in self.clients and e.body[:1] == APPEND for e in asked
            )
        for transition_id in {
            e.data["transition_id"]
            for e in effects
            if isinstance(e, Json) and e.op is Op.DAVE_EXECUTE_TRANSITION
        }:
            self._tell("voice.transition", transition_id=transition_id)
        self._pending.extend(effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._pending:
                self._do(self._pending.popleft())
        finally:
            self._performing = False

    def _do(self, effect: Effect) -> None:
        match effect:
            case AwaitReady(transition_id):
                self._later(TRANSITION_TIMEOUT_S, partial(self._time_out, transition_id))
            case Binary(user_id, op, body) if user_id in self.listeners:
                replies = self.listeners[user_id].receive(op, body, self.present)
                self._answer(user_id, replies)
            case Binary(user_id, op, body) if user_id in self.clients:
                self.clients[user_id].send_binary(op, body)
            case Json(user_id, Op.DAVE_PREPARE_EPOCH, data) if user_id in self.listeners:
                self._answer(user_id, self.listeners[user_id].prepare_epoch(data["epoch"]))
            case Json(user_id, op, data) if user_id in self.clients:
                self.clients[user_id].send_json(op, data)

    def _answer(self, user_id: int, replies: list[Reply]) -> None:
        for reply in replies:
            if reply.op is Op.MLS_COMMIT_WELCOME and self._clients_may_commit:
                self._later(HEAD_START_S, partial(self.receive, user_id, reply))
            else:
                self.receive(user_id, reply)

    def _time_out(self, transition_id: int) -> None:
        self._perform(self.group.time_out(transition_id))

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(timer)
