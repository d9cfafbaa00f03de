"""The MLS delivery service, with real DAVE sessions as members and every order of delivery."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.voice.group import (
    AwaitReady,
    Binary,
    Effect,
    Group,
    InvalidCommitError,
    Json,
    StaleCommitError,
)
from sandbox.voice.hearing import Hearing
from sandbox.voice.listener import Listener, Reply
from sandbox.voice.mls import MlsError, read_commit_welcome, vector
from sandbox.voice.opcodes import Op
from sandbox.voice.signing import ExternalSender

CHANNEL = 42
Pick = Callable[[int], int]
"""``pick(n)`` chooses one of n messages that could be delivered next."""


class Room:
    """A group and its members, with a network between them that a test drives by hand.

    A message travels with the list of those present when it was sent (ops 11 and 13). Each
    member's messages stay in order, as on a websocket; between members any order goes.
    """

    def __init__(self) -> None:
        self.group = Group(CHANNEL, ExternalSender())
        self.members: dict[int, Listener] = {}
        self.down: dict[int, deque[tuple[Binary | Json, frozenset[int]]]] = {}
        self.up: dict[int, deque[Reply]] = {}
        self.sent: list[Effect] = []

    def join(self, user_id: int) -> None:
        self.members[user_id] = Listener(1, CHANNEL, user_id, Hearing())
        self.down[user_id], self.up[user_id] = deque(), deque()
        self.perform(self.group.join(user_id))

    def leave(self, user_id: int) -> None:
        del self.members[user_id], self.down[user_id], self.up[user_id]
        self.perform(self.group.leave(user_id))

    def perform(self, effects: list[Effect]) -> None:
        self.sent += effects
        for effect in effects:
            if not isinstance(effect, AwaitReady) and effect.user_id in self.down:
                self.down[effect.user_id].append((effect, frozenset(self.members)))

    def deliver(self, pick: Pick) -> bool:
        """Deliver one message; False when all is quiet."""
        ways = [queue for queue in (*self.down.values(), *self.up.values()) if queue]
        if not ways:
            return False
        way = ways[pick(len(ways))]
        message = way.popleft()
        if isinstance(message, Reply):
            sender = next(user_id for user_id, queue in self.up.items() if queue is way)
            self.perform(self.take(sender, message))
        else:
            self.up[message[0].user_id] += self.give(*message)
        return True

    def give(self, message: Binary | Json, present: frozenset[int]) -> list[Reply]:
        member = self.members[message.user_id]
        if isinstance(message, Binary):
            return member.receive(message.op, message.body, present)
        if message.op is Op.DAVE_PREPARE_EPOCH:
            return member.prepare_epoch(message.data["epoch"])
        return []

    def take(self, sender: int, reply: Reply) -> list[Effect]:
        match reply.op:
            case Op.MLS_KEY_PACKAGE:
                return self.group.key_package(sender, reply.body)
            case Op.MLS_COMMIT_WELCOME:
                try:
                    return self.group.commit(sender, reply.body)
                except StaleCommitError:
                    return []
            case Op.DAVE_TRANSITION_READY:
                return self.group.ready(sender, reply.transition_id)
            case _:
                return self.group.invalid(sender)

    def settle(self, pick: Pick = lambda n: 0) -> None:
        while self.deliver(pick):
            pass

    def agree(self) -> None:
        """Everybody is in, everybody has the same keys, and the server knows who sits where."""
        assert self.group.settled
        if len(self.members) < 2:
            assert self.group.epoch == 0
            assert self.group.roster == {}
            return
        assert self.group.roster.keys() == self.members.keys()
        assert len({member.privacy_code for member in self.members.values()}) == 1
        for user_id, leaf in self.group.roster.items():
            assert self.members[user_id].leaf_index == leaf

    def ops(self, user_id: int) -> list[Op]:
        return [
            effect.op
            for effect in self.sent
            if not isinstance(effect, AwaitReady) and effect.user_id == user_id
        ]


def test_one_member_alone_has_no_group() -> None:
    room = Room()
    room.join(1)
    room.settle()
    room.agree()
    assert room.ops(1) == [Op.MLS_EXTERNAL_SENDER]


def test_two_found_a_group_and_both_execute_the_transition() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    room.settle()
    room.agree()
    assert room.group.epoch == 1
    founder = next(user for user, leaf in room.group.roster.items() if leaf == 0)
    joiner = 3 - founder
    assert Op.MLS_ANNOUNCE_COMMIT_TRANSITION in room.ops(founder)
    assert Op.MLS_WELCOME in room.ops(joiner)
    assert room.ops(1)[-1] is room.ops(2)[-1] is Op.DAVE_EXECUTE_TRANSITION


def test_the_last_one_left_starts_over_and_founds_again_with_the_next() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    room.settle()
    room.leave(2)
    room.settle()
    assert room.ops(1)[-2:] == [Op.DAVE_PREPARE_EPOCH, Op.DAVE_PREPARE_TRANSITION]
    room.agree()
    room.join(3)
    room.settle()
    room.agree()
    assert room.group.roster.keys() == {1, 3}


def test_a_joiner_takes_the_leaf_of_one_who_left() -> None:
    room = Room()
    for user_id in (1, 2, 3):
        room.join(user_id)
    room.settle()
    freed = room.group.roster[2]
    room.leave(2)
    room.join(4)
    room.settle()
    room.agree()
    assert room.group.roster[4] == freed


def test_a_joiner_who_goes_before_the_commit_is_taken_back() -> None:
    room = Room()
    for user_id in (1, 2):
        room.join(user_id)
    room.settle()
    room.join(3)
    while not any(reply.op is Op.MLS_COMMIT_WELCOME for reply in room.up[1]):
        room.deliver(lambda n: 0)
    room.sent.clear()
    room.leave(3)
    assert room.ops(1) == [Op.MLS_PROPOSALS]
    room.settle()
    room.agree()
    assert room.group.epoch == 1  # the commit that still added 3 was for proposals of the past


def test_a_member_who_cannot_follow_is_removed_and_added_anew() -> None:
    room = Room()
    for user_id in (1, 2, 3):
        room.join(user_id)
    room.settle()
    epoch = room.group.epoch
    garbage = Binary(3, Op.MLS_ANNOUNCE_COMMIT_TRANSITION, struct.pack(">H", 9) + b"garbage")
    room.down[3].append((garbage, frozenset(room.members)))
    room.settle()
    room.agree()
    assert room.group.epoch > epoch


def test_a_transition_does_not_wait_for_ever() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    while not (waits := [effect for effect in room.sent if isinstance(effect, AwaitReady)]):
        room.deliver(lambda n: 0)
    effects = room.group.time_out(waits[0].transition_id)
    assert [effect.op for effect in effects if isinstance(effect, Json)] == [
        Op.DAVE_EXECUTE_TRANSITION,
        Op.DAVE_EXECUTE_TRANSITION,
    ]
    assert room.group.time_out(waits[0].transition_id) == []


def proposed() -> tuple[Room, bytes]:
    """A group of three in which 1 has just made a commit that adds 4."""
    room = Room()
    for user_id in (1, 2, 3):
        room.join(user_id)
    room.settle()
    room.join(4)
    while not room.up[1] or room.up[1][0].op is not Op.MLS_COMMIT_WELCOME:
        room.deliver(lambda n: 0)
    return room, room.up[1].popleft().body


def test_a_commit_in_another_members_name_is_refused() -> None:
    room, body = proposed()
    with pytest.raises(InvalidCommitError, match="leaf"):
        room.group.commit(2, body)


def test_a_commit_without_its_welcome_is_refused() -> None:
    room, body = proposed()
    commit, welcome = read_commit_welcome(body)
    assert welcome is not None
    with pytest.raises(InvalidCommitError, match="Welcome"):
        room.group.commit(1, commit.encoded)


def test_a_commit_for_another_group_is_refused() -> None:
    room, body = proposed()
    group_id = vector(CHANNEL.to_bytes(8, "big"))
    other = vector((CHANNEL + 1).to_bytes(8, "big"))
    with pytest.raises(InvalidCommitError, match="another group"):
        room.group.commit(1, body.replace(group_id, other, 1))


def test_the_second_commit_of_an_epoch_is_late_not_wrong() -> None:
    room, body = proposed()
    room.perform(room.group.commit(1, body))
    with pytest.raises(StaleCommitError):
        room.group.commit(1, body)


def test_a_key_package_must_be_its_senders_own() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    room.deliver(lambda n: 0)
    stolen = room.up[1][0].body
    with pytest.raises(MlsError, match="another user"):
        room.group.key_package(2, stolen)


@settings(max_examples=30)
@given(st.data())
def test_whoever_comes_and_goes_and_whatever_overtakes_what_all_agree_in_the_end(
    data: st.DataObject,
) -> None:
    """Joins, leaves and deliveries in any order; then quiet; then one epoch for all."""
    room = Room()

    def pick(n: int) -> int:
        return data.draw(st.integers(0, n - 1)) if n > 1 else 0

    steps = st.one_of(st.integers(1, 5), st.just("deliver"), st.just("deliver"))
    for step in data.draw(st.lists(steps, max_size=40)):
        if step == "deliver":
            room.deliver(pick)
        elif step in room.members:
            room.leave(step)
        else:
            room.join(step)
    room.settle(pick)
    room.agree()
