"""The lobby's clock: honest time passes, jumps do not."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobby.clock import TOLERANCE_S, SteadyClock, reckon

steps = st.lists(
    st.tuples(
        st.floats(0.01, 100.0),  # what really passes
        st.one_of(st.just(0.0), st.floats(-1e6, 1e6)),  # by how much the clock is set meanwhile
    ),
    max_size=30,
)


@given(steps=steps, begin_s=st.floats(1e9, 2e9))
def test_one_process_is_never_off_by_more_than_what_passed_around_a_jump(
    steps: list[tuple[float, float]], begin_s: float
) -> None:
    database_s = begin_s
    now_s, skew_s = reckon(0.0, 0.0, database_s, None)
    real_s, error_s = now_s, 0.0
    for passed_s, jump_s in steps:
        seen_s, before_s = database_s, now_s
        database_s += passed_s + jump_s
        real_s += passed_s
        now_s, skew_s = reckon(seen_s, skew_s, database_s, passed_s)
        if jump_s:
            error_s += passed_s + TOLERANCE_S
        assert now_s >= before_s - 1e-3, "time runs backwards"
        assert abs(now_s - real_s) <= error_s + 1e-3


@given(passed_s=st.floats(0, 1e7), skew_s=st.floats(-1e6, 1e6))
def test_a_process_that_wrote_nothing_yet_believes_the_clock(
    passed_s: float, skew_s: float
) -> None:
    now_s, after_s = reckon(1e9, skew_s, 1e9 + passed_s, None)
    assert after_s == skew_s
    assert now_s == pytest.approx(1e9 + passed_s + skew_s)


@given(mine_s=st.floats(0, 100), others_s=st.floats(0, 100))
def test_others_writing_in_between_is_no_jump(mine_s: float, others_s: float) -> None:
    # Somebody wrote ``others_s`` ago, we ourselves before that: the witness says more than passed.
    _, skew_s = reckon(1e9, 5.0, 1e9 + others_s, mine_s + others_s)
    assert skew_s == 5.0


async def test_the_steady_clock_waits_for_an_event_or_a_time() -> None:
    clock, event = SteadyClock(), asyncio.Event()
    assert not await clock.wait(event, 0.001)
    event.set()
    assert await clock.wait(event, None)
    assert clock.steady_s() <= clock.steady_s()
