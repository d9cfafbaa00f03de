"""Five processes and 250 people at once, on both databases; one process is killed in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lobby.records import Deed, Why
from tests.lobby.crowd import SLOTS, race
from tests.support.databases import KINDS, url_for

PROCESSES = 5
PEOPLE = 50


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crowd_is_served_in_order_and_never_too_many(kind: str, tmp_path: Path) -> None:
    async with asyncio.timeout(240):
        outcome = await race(url_for(kind, tmp_path), processes=PROCESSES, people=PEOPLE, kill=True)
    print(f"{kind}: {outcome.seconds:.1f} s, {len(outcome.lines)} lines")
    # Everybody whose process lived had a session and was told nothing twice.
    assert all(result["served"] >= PEOPLE for result in outcome.results)
    assert all(result["told_twice"] == 0 for result in outcome.results)
    # Never more than ten is checked line by line; that it came to ten shows that it was a race.
    assert outcome.count.most == SLOTS
    queued = {line.person_id for line in outcome.lines if line.deed is Deed.QUEUED}
    assert len(queued) >= PEOPLE * (PROCESSES - 1)
    # The killed process's sessions were released, by the others, after its lease.
    away = [line for line in outcome.lines if line.why == Why.AWAY and line.process != "p0"]
    assert away
