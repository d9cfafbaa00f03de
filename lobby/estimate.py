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


def view(
    hall: Hall, lengths_s: Sequence[float], now_s: float, person_id: int, version: int
) -> View:
    """The lobby as ``/queue`` shows it, with ``you`` for ``person_id``."""
    waits = _waits_s(hall, lengths_s, now_s)
    line = tuple(
        _waiting(hall, place, position, waits.get(place.person_id))
        for position, place in enumerate(hall.line(), start=1)
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


def _waiting(hall: Hall, place: Place, position: int, wait_s: float | None) -> Standing:
    return Standing(
        place.person_id,
        place.stage,
        place.guild_id,
        place.channel_id,
        position=position,
        hold_up=hall.hold_up(place) or HoldUp.TURN,
        wait_s=wait_s,
    )


def _waits_s(hall: Hall, lengths_s: Sequence[float], now_s: float) -> dict[int, float]:
    """Seconds until each waiting person's turn, for those of whom something can be said.

    Every slot frees when its session has lasted as long as those that lasted longer than it has so
    far; then the first in the line takes it for a usual while, and so on.
    """
    if len(lengths_s) < ENOUGH:
        return {}
    usual_s = median(lengths_s)
    frees_s = [0.0] * max(0, hall.settings.slots - hall.slots_used())
    for place in hall.staged(Stage.CALLED, *SESSION):
        so_far_s = now_s - place.since_s if place.stage in SESSION else 0.0
        longer_s = [each for each in lengths_s if each > so_far_s]
        frees_s.append(median(longer_s) - so_far_s if longer_s else usual_s)
    heapq.heapify(frees_s)
    waits: dict[int, float] = {}
    for place in hall.line():
        if hall.hold_up(place) is None and frees_s:
            waits[place.person_id] = frees_s[0]
            heapq.heapreplace(frees_s, frees_s[0] + usual_s)
    return waits
