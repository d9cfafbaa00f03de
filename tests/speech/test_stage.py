"""Who is next on a worker's stage: whoever would fall silent first. In virtual time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from speech.base import FRAME_S, Line, VoiceChoice
from speech.sound import F32
from speech.wire import Kind, Message, Unpacker, pack
from speech.worker import OUTSIDE_S, Setup, Stage, Voices

RATE_HZ = 48_000
SETUP = Setup((), 1, "auto", "auto", "auto", 3, 0, 32_000)


class World:
    """A stage whose voice takes time to make its chunks, and what came from it when."""

    def __init__(self, first_cost_s: float, cost_s: float) -> None:
        self.now_s = 100.0
        self.sent: list[tuple[float, Message]] = []
        self._costs = first_cost_s, cost_s
        self._unpacker = Unpacker()
        voices = Voices(lambda name, setup: self, SETUP, lambda: None)
        voices.get("any").result()
        self.stage = Stage(voices, SETUP, self._take, lambda: self.now_s)

    rate_hz = RATE_HZ

    def speak(self, text: str, choice: VoiceChoice, seed: int) -> Iterator[F32]:
        """Chunks that double, as the engine's do: 0.1 s, 0.2 s, 0.4 s ... up to 1.6 s."""
        left_s, chunk_s, cost_s = float(text) if "." in text else 0.0, 0.1, self._costs[0]
        while left_s > 0:
            self.now_s += cost_s
            made_s = min(left_s, chunk_s)
            yield np.full(round(made_s * RATE_HZ), 0.1, np.float32)
            left_s, chunk_s, cost_s = left_s - made_s, min(1.6, chunk_s * 2), self._costs[1]

    def current(self) -> bool:
        return True

    def ask(self, number: int, seconds: float, credit: int = 10_000) -> None:
        line = dataclasses.asdict(Line(str(seconds), VoiceChoice("any")))
        order = {"lines": [line], "seed": 1, "skip": 0, "credit": credit}
        self._tell(pack(Kind.JOB, number, order))

    def tell(self, kind: Kind, number: int, **body: object) -> None:
        self._tell(pack(kind, number, body))

    def _tell(self, data: bytes) -> None:
        for message in Unpacker().feed(data):
            self.stage.take(message)

    def _take(self, data: bytes) -> None:
        self.sent += [(self.now_s, message) for message in self._unpacker.feed(data)]

    def run(self) -> None:
        while self.stage.step():
            pass

    def heard(self, number: int) -> list[tuple[float, int]]:
        """When frames of a job came, and how many."""
        return [
            (at_s, len(message.frames()))
            for at_s, message in self.sent
            if message.job == number and message.kind is Kind.FRAMES and message.frames()
        ]

    def dry_s(self, number: int) -> float:
        """How long its listener waited inside the reply."""
        heard = self.heard(number)
        ends_s, dry_s = heard[0][0], 0.0
        for at_s, frames in heard:
            dry_s += max(0.0, at_s - ends_s)
            ends_s = max(at_s, ends_s) + frames * FRAME_S
        return dry_s


def test_ten_who_begin_together_never_fall_silent() -> None:
    world = World(first_cost_s=0.025, cost_s=0.015)
    for number in range(10):
        world.ask(number, 6.0)
    world.run()
    assert [world.dry_s(number) for number in range(10)] == [0.0] * 10
    # And the last of them began long before a whole reply could have been made for each.
    assert max(world.heard(number)[0][0] for number in range(10)) < 100.0 + 1.0


def test_ten_who_begin_together_advance_together() -> None:
    world = World(first_cost_s=0.025, cost_s=0.015)
    for number in range(10):
        world.ask(number, 6.0)
    world.run()
    sent = [(m.job, len(m.frames())) for _, m in world.sent if m.kind is Kind.FRAMES and m.frames()]
    made = dict.fromkeys(range(10), 0)
    for number, frames in sent:
        made[number] += frames
        # No one is further ahead of another than the longest chunk, and the margin.
        assert max(made.values()) - min(made.values()) <= (1.6 + 0.15) / FRAME_S
    # By the time any reply was complete, every other had begun.
    assert max(world.heard(n)[0][0] for n in made) < min(world.heard(n)[-1][0] for n in made)


@pytest.mark.parametrize("cost_s", [0.5, 2.0, 5.0])
def test_nobody_waits_for_a_whole_reply_where_sound_is_made_too_slowly(cost_s: float) -> None:
    world = World(first_cost_s=cost_s, cost_s=cost_s)
    for number in range(10):
        world.ask(number, 60.0)
    world.run()
    begun_s = [world.heard(number)[0][0] for number in range(10)]
    ended_s = [world.heard(number)[-1][0] for number in range(10)]
    assert max(begun_s) < min(ended_s)
    # Each of them begins in its turn: those before it had at most so much sound made first.
    assert max(begun_s) - 100.0 < OUTSIDE_S + 10 * 4 * cost_s


def test_one_who_begins_does_not_wait_for_a_paragraph() -> None:
    world = World(first_cost_s=0.025, cost_s=0.015)
    world.ask(1, 60.0)
    for _ in range(8):
        world.stage.step()
    asked_s = world.now_s
    world.ask(2, 2.0)
    world.run()
    assert world.heard(2)[0][0] - asked_s < 0.1
    assert world.dry_s(1) == 0.0


def test_no_job_runs_ahead_of_its_credit_and_goes_on_with_more() -> None:
    world = World(first_cost_s=0.02, cost_s=0.02)
    world.ask(1, 10.0, credit=50)
    world.run()
    assert sum(frames for _, frames in world.heard(1)) == 50
    world.tell(Kind.CREDIT, 1, frames=1_000)
    world.run()
    assert abs(sum(frames for _, frames in world.heard(1)) - 500) <= 2
    assert world.sent[-1][1].kind is Kind.END


def test_a_cancelled_job_is_heard_no_more() -> None:
    world = World(first_cost_s=0.02, cost_s=0.02)
    world.ask(1, 10.0)
    world.stage.step()
    world.tell(Kind.CANCEL, 1)
    before = len(world.sent)
    world.run()
    assert len(world.sent) == before


def test_every_step_says_whose_it_was() -> None:
    world = World(first_cost_s=0.02, cost_s=0.02)
    for number in (1, 2):
        world.ask(number, 2.0)
    world.run()
    onstage = 0
    for _, message in world.sent:
        if message.kind is Kind.ONSTAGE:
            onstage = message.job
        elif message.kind in {Kind.FRAMES, Kind.END}:
            assert message.job == onstage
