"""Sandbox time: faster, moved forward, and never a busy wait."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.clock import Clock
from sandbox.timeline import Timeline
from sandbox.world import Snowflakes


async def test_moving_time_wakes_sleepers_in_order() -> None:
    clock = Clock()
    woken: list[int] = []

    async def sleeper(for_s: int) -> None:
        await clock.sleep(for_s)
        woken.append(for_s)

    tasks = [asyncio.create_task(sleeper(s)) for s in (900, 3, 60)]
    await asyncio.sleep(0)
    clock.advance(61)
    await asyncio.gather(*tasks[1:])
    assert sorted(woken) == [3, 60]
    clock.advance(900)
    await asyncio.gather(*tasks)
    assert clock.now_s() >= 961
    assert clock.real_s() < 5


async def test_a_faster_clock_sleeps_shorter() -> None:
    clock = Clock(speed=1000)
    before_s = clock.real_s()
    await clock.sleep(20)
    assert clock.real_s() - before_s < 1
    clock.speed = 1
    now_s = clock.now_s()
    assert now_s >= 20
    assert clock.now_s() - now_s < 0.1


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Clock().advance(-1)
    with pytest.raises(ValueError, match="positive"):
        Clock(speed=0)


def test_ids_grow_and_tell_their_time() -> None:
    clock = Clock()
    ids = Snowflakes(clock)
    made = [ids.next() for _ in range(100)]
    assert made == sorted(set(made))
    clock.advance(3600)
    assert (ids.next() >> 22) - (made[-1] >> 22) >= 3_600_000 - 1


async def test_waiting_is_driven_by_events() -> None:
    timeline = Timeline(Clock())
    asked = 0

    def three() -> bool:
        nonlocal asked
        asked += 1
        return len(timeline.events) >= 3

    waiting = asyncio.create_task(timeline.until(three, 5))
    async with timeline.subscribe() as queue:
        for n in range(3):
            await asyncio.sleep(0)
            timeline.note("tick", n=n)
        await waiting
        assert [queue.get_nowait().details["n"] for _ in range(3)] == [0, 1, 2]
    assert asked <= 4
    timeline.note("tick")
    assert queue.empty()
    with pytest.raises(TimeoutError):
        await timeline.until(lambda: False, 0.01)
