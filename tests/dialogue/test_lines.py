"""One person's messages are answered one after another, in the order they came."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.errors import LineFull
from dialogue.lines import Lines

steps = st.lists(
    st.tuples(st.sampled_from(["take", "leave", "give up"]), st.integers(1, 3), st.integers(0, 9)),
    max_size=40,
)


@given(steps)
@settings(max_examples=200)
def test_whoever_is_first_has_the_turn_whatever_happens(plan: list[tuple[str, int, int]]) -> None:
    lines = Lines(waiting=4)
    standing: dict[int, list] = {1: [], 2: [], 3: []}
    for what, person, which in plan:
        line = standing[person]
        if what == "take" and len(line) <= 4:
            line.append(lines.take(person))
        elif what == "take":
            with pytest.raises(LineFull):
                lines.take(person)
        elif line:
            place = line.pop(0 if what == "leave" else which % len(line))
            place.leave()
            place.leave()
        for each in standing.values():
            assert [place.waiting for place in each] == [False] + [True] * (
                len(each) - 1
            ) or not each
    assert len(lines) == sum(bool(line) for line in standing.values())


async def test_the_order_is_that_of_taking_not_of_waiting() -> None:
    lines, order = Lines(waiting=9), []

    async def answer(name: str, place: object) -> None:
        async with place:  # type: ignore[attr-defined]
            order.append(name)

    first, second, third = (lines.take(1) for _ in range(3))
    await asyncio.gather(answer("third", third), answer("second", second), answer("first", first))
    assert order == ["first", "second", "third"]
    assert len(lines) == 0


async def test_people_do_not_wait_for_each_other() -> None:
    lines = Lines(waiting=0)
    async with lines.take(1), lines.take(2):
        with pytest.raises(LineFull):
            lines.take(1)
    async with lines.take(1):
        pass


async def test_who_gives_up_waiting_does_not_hold_the_line() -> None:
    lines = Lines(waiting=9)
    first, second, third = (lines.take(1) for _ in range(3))
    waiting = asyncio.create_task(second.reach())
    await asyncio.wait({waiting}, timeout=0)
    waiting.cancel()
    await asyncio.wait({waiting})
    first.leave()
    await third.reach()
    third.leave()
    assert len(lines) == 0
