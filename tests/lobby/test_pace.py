"""The clock of a tryout: hurried or not it never runs back, and whoever waits feels it at once."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobby.pace import Pace, PacedStore
from lobby.records import Books, Entry
from tests.lobby.fakes import MemoryStore, VirtualClock


@given(factors=st.lists(st.floats(1, 1000), max_size=20))
async def test_it_never_runs_back(factors: list[float]) -> None:
    pace = Pace()
    seen_s = pace.steady_s()
    for factor in factors:
        pace.hurry(factor)
        assert pace.factor == factor
        now_s = pace.steady_s()
        assert now_s >= seen_s
        seen_s = now_s


@pytest.mark.parametrize("factor", [0.0, 0.5, -1.0, float("nan")])
async def test_it_cannot_be_stretched(factor: float) -> None:
    with pytest.raises(ValueError, match="stretched"):
        Pace().hurry(factor)


async def test_who_waits_already_is_hurried_too() -> None:
    pace = Pace()
    waiting = asyncio.create_task(pace.wait(asyncio.Event(), 300.0))
    await asyncio.sleep(0)
    begun_s = time.monotonic()
    pace.hurry(10_000.0)
    assert not await waiting
    assert time.monotonic() - begun_s < 5.0
    event = asyncio.Event()
    event.set()
    assert await pace.wait(event, 300.0)


async def test_it_is_hurried_through_a_pipe() -> None:
    pace = Pace()
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as lines, os.fdopen(writing, "wb", 0) as end:
        end.write(b"10\n60.0\n")
        end.close()
        await pace.follow(lines)
    assert pace.factor == 60.0


async def test_the_books_are_as_far_ahead_as_the_clock() -> None:
    clock, pace = VirtualClock(), Pace()
    store = PacedStore(MemoryStore(clock), pace)
    seen_s: list[float] = []

    def looks(books: Books, now_s: float) -> Entry:
        seen_s.append(now_s)
        return Entry(books)

    await store.transact("parley", looks)
    pace.hurry(1e6)
    assert not await pace.wait(asyncio.Event(), 300.0)
    await store.transact("parley", looks)
    assert seen_s[1] - seen_s[0] >= 300.0
