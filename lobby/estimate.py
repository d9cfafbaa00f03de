"""How long the line takes, and where each person stands. Pure.

An estimate is made from how long recent sessions lasted; without enough of them, or for somebody
who waits for something other than a slot, it is None, and people are told that nobody knows.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from statistics import median

from lobby.hall import SESSION, Hall
from lobby.records import HoldUp, Place, Speaking, Stage, Standing, View

ENOUGH = 3
"""Sessions that must have been seen before anything is said about the next ones."""
RECENT = 30
"""Sessions that are looked back at."""
_THINNED = 3
"""Of sessions that have yet to begin, every third length says enough, in a third of the time."""
_ROUNDING = 1e-9


def view(
    hall: Hall, lengths_s: Sequence[float], now_s: float, person_id: int, version: int
) -> View:
    """The lobby as ``/queue`` shows it, with ``you`` for ``person_id``."""
    places = hall.line()
    hold_ups = [hall.hold_up(place) for place in places]
    able = [place for place, hold_up in zip(places, hold_ups, strict=True) if hold_up is None]
    waits = _waits_s(hall, able, lengths_s, now_s)
    line = tuple(
        _waiting(place, position, hold_up, waits.get(place.person_id))
        for position, (place, hold_up) in enumerate(zip(places, hold_ups, strict=True), start=1)
    )
    taken = sorted(hall.staged(Stage.CALLED, *SESSION), key=lambda place: place.since_s)
    return View(
        slots=hall.settings.slots,
        speaking=tuple(
            Speaking(
                place.person_id,
                place.guild_id,
                place.channel_id,
                place.stage,
                max(0.0, now_s - place.since_s),
            )
            for place in taken
        ),
        line=line,
        you=next(
            (each for each in line if each.person_id == person_id),
            standing(hall.places.get(person_id), person_id, now_s),
        ),
        version=version,
    )


def standing(place: Place | None, person_id: int, now_s: float) -> Standing:
    """Where somebody stands who does not wait."""
    if place is None:
        return Standing(person_id, None)
    left_s = max(0.0, place.deadline_s - now_s) if place.deadline_s else 0.0
    return Standing(person_id, place.stage, place.guild_id, place.channel_id, seconds_left=left_s)


def _waiting(place: Place, position: int, hold_up: HoldUp | None, wait_s: float | None) -> Standing:
    return Standing(
        place.person_id,
        place.stage,
        place.guild_id,
        place.channel_id,
        position=position,
        hold_up=hold_up or HoldUp.TURN,
        wait_s=wait_s,
    )


def _waits_s(
    hall: Hall, able: Sequence[Place], lengths_s: Sequence[float], now_s: float
) -> dict[int, float]:
    """Seconds until the turn of each of those in the line who wait for nothing else.

    Each session ends as those did that lasted longer than it has so far, each of them as likely.
    The ``k``-th in the line has their turn when that makes one half more likely than not: when
    ``k - 1/2`` ends are to be expected. (Ten sessions of a usual length are not about to last that
    long all of them: the first of them ends much sooner.) Their own session then follows.
    """
    if len(lengths_s) < ENOUGH:
        return {}
    ends: list[tuple[float, float]] = []  # when, and how much of an end is to be expected then

    def ends_after(at_s: float, left_s: Sequence[float]) -> None:
        for each_s in left_s:
            heapq.heappush(ends, (at_s + each_s, 1 / len(left_s)))

    for place in hall.staged(Stage.CALLED, *SESSION):
        so_far_s = now_s - place.since_s if place.stage in SESSION else 0.0
        left_s = [each - so_far_s for each in lengths_s if each > so_far_s]
        ends_after(0.0, left_s or [median(lengths_s)])
    usual_s = sorted(lengths_s)[1::_THINNED]
    waits: dict[int, float] = {}
    at_s, expected = 0.0, float(hall.settings.slots - hall.slots_used())
    for turn, place in enumerate(able, start=1):
        while ends and expected < turn - 0.5 - _ROUNDING:
            at_s, share = heapq.heappop(ends)
            expected += share
        if expected >= turn - 0.5 - _ROUNDING:
            waits[place.person_id] = at_s
            ends_after(at_s, usual_s)
    return waits
