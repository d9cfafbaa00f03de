"""Who is heard next: one at a time, in turns, bounded, and nobody silences another."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from speech.base import NothingToSkip, NotYours, QueueFull, TooManyWaiting
from speech.queue import Item, SpeechQueue

ANN, BOB, CAT = 1, 2, 3


def heard(queue: SpeechQueue[str]) -> list[str]:
    order = []
    while item := queue.start(lambda _: True):
        order.append(item.what)
        queue.finish(item)
    return order


def test_people_take_turns() -> None:
    queue: SpeechQueue[str] = SpeechQueue(5, 20)
    for person, what in (
        (ANN, "a1"),
        (ANN, "a2"),
        (ANN, "a3"),
        (BOB, "b1"),
        (CAT, "c1"),
        (BOB, "b2"),
    ):
        queue.add(person, what, 0)
    assert queue.view(7).waiting == (ANN, BOB, CAT, ANN, BOB, ANN)
    assert heard(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_only_one_is_heard() -> None:
    queue: SpeechQueue[str] = SpeechQueue(5, 20)
    queue.add(ANN, "a", 0)
    queue.add(BOB, "b", 1)
    first = queue.start(lambda _: True)
    assert first
    assert queue.start(lambda _: True) is None
    assert queue.view(4).speaking == ANN
    assert queue.view(4).oldest_wait_s == 3
    queue.finish(first)
    assert heard(queue) == ["b"]


def test_what_has_no_sound_yet_holds_up_nobody_and_keeps_its_place() -> None:
    queue: SpeechQueue[str] = SpeechQueue(5, 20)
    for person, what in ((ANN, "slow"), (ANN, "after slow"), (BOB, "b1"), (BOB, "b2")):
        queue.add(person, what, 0)
    first = queue.start(lambda what: what != "slow")
    assert first
    assert first.what == "b1"
    queue.finish(first)
    assert heard(queue) == ["slow", "b2", "after slow"]


def test_limits_refuse_clearly_and_change_nothing() -> None:
    queue: SpeechQueue[str] = SpeechQueue(2, 3)
    queue.add(ANN, "a1", 0)
    queue.add(ANN, "a2", 0)
    with pytest.raises(TooManyWaiting) as mine:
        queue.add(ANN, "a3", 0)
    queue.add(BOB, "b1", 0)
    with pytest.raises(QueueFull) as all_of_us:
        queue.add(CAT, "c1", 0)
    assert (mine.value.details, all_of_us.value.details) == ({"waiting": 2}, {"waiting": 3})
    assert heard(queue) == ["a1", "b1", "a2"]


def test_skip_is_for_ones_own_and_for_moderators() -> None:
    queue: SpeechQueue[str] = SpeechQueue(5, 20)
    with pytest.raises(NothingToSkip):
        queue.skip(ANN, moderator=True)
    queue.add(ANN, "a", 0)
    item = queue.start(lambda _: True)
    with pytest.raises(NotYours):
        queue.skip(BOB, moderator=False)
    assert queue.skip(ANN, moderator=False) is item
    assert queue.skip(BOB, moderator=True) is item


def test_stop_takes_all_of_ones_own() -> None:
    queue: SpeechQueue[str] = SpeechQueue(5, 20)
    for person, what in ((ANN, "a1"), (ANN, "a2"), (BOB, "b1")):
        queue.add(person, what, 0)
    current = queue.start(lambda _: True)
    assert current
    assert [item.what for item in queue.stop(ANN)] == ["a1", "a2"]
    queue.finish(current)
    assert heard(queue) == ["b1"]
    assert queue.stop(ANN) == []


class Channel(RuleBasedStateMachine):
    """Any order of asking, hearing, stopping: nothing is lost, doubled or overtaken unfairly."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: SpeechQueue[tuple[int, int]] = SpeechQueue(3, 7)
        self.waiting: list[tuple[int, int]] = []
        self.current: Item[tuple[int, int]] | None = None
        self.served: list[int] = []
        self.clock = 0

    @rule(person=st.integers(1, 4))
    def ask(self, person: int) -> None:
        self.clock += 1
        own = sum(who == person for who, _ in self.waiting)
        if own >= 3 or len(self.waiting) >= 7:
            with pytest.raises((TooManyWaiting, QueueFull)):
                self.queue.add(person, (person, self.clock), self.clock)
        else:
            self.queue.add(person, (person, self.clock), self.clock)
            self.waiting.append((person, self.clock))

    @precondition(lambda self: self.current is None)
    @rule()
    def start(self) -> None:
        expected = self.queue.view(self.clock).waiting[:1]
        self.current = self.queue.start(lambda _: True)
        if not self.waiting:
            assert self.current is None
            return
        assert self.current
        assert expected == (self.current.person_id,)
        mine = [what for what in self.waiting if what[0] == self.current.person_id]
        assert self.current.what == mine[0]
        self.waiting.remove(self.current.what)
        self.served.append(self.current.person_id)

    @precondition(lambda self: self.current is not None)
    @rule()
    def finish(self) -> None:
        assert self.current
        self.queue.finish(self.current)
        self.current = None

    @rule(person=st.integers(1, 4))
    def stop(self, person: int) -> None:
        mine = [what for what in self.waiting if what[0] == person]
        if self.current and self.current.person_id == person:
            mine.insert(0, self.current.what)
        assert [item.what for item in self.queue.stop(person)] == mine
        self.waiting = [what for what in self.waiting if what[0] != person]

    @invariant()
    def nobody_is_lost(self) -> None:
        assert sorted(self.queue.view(0).waiting) == sorted(person for person, _ in self.waiting)
        assert self.queue.current is self.current


Channel.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestChannel = Channel.TestCase
