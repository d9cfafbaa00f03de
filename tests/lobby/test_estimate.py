"""The estimated wait, held against what then happens in houses made by chance."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from statistics import mean, median

import pytest

from lobby.estimate import RECENT, view
from lobby.records import Books, Place, Process, Room, Stage
from lobby.rules import Lobby
from lobby.settings import LobbySettings

SLOTS, WAITING = 10, 8
NOW_S = 1e6

Draw = Callable[[random.Random], float]


def house(held_s: list[float]) -> Lobby:
    """Everybody in a server of their own: those who speak, for so long already, and a line."""
    people = [(n, Stage.HELD, NOW_S - s) for n, s in enumerate(held_s, start=1)]
    people += [(SLOTS + n, Stage.WAITING, NOW_S) for n in range(1, WAITING + 1)]
    places = {
        n: Place(n, n * 100, n * 100 + 1, n * 100 + 1, 0, "", n, False, stage, s, s, s, 0.0, 0.0)
        for n, stage, s in people
    }
    rooms = {each.guild_id: Room(each.guild_id, "p", False, 0, 0.0) for each in places.values()}
    processes = {"p": Process("p", "life", 0.0, 1e9, False)}
    books = Books(places, rooms, processes, {}, 100, 1, NOW_S, 0.0)
    return Lobby(LobbySettings(slots=SLOTS), books, "p")


def evening(dice: random.Random, draw: Draw) -> tuple[list[float], list[float]]:
    """What the line was told, and what came: seconds for each place in it."""
    sessions = [(0.0, draw(dice)) for _ in range(SLOTS)]
    for _ in range(100):
        ended_s = min(began_s + length_s for began_s, length_s in sessions)
        sessions = [(b, s) if b + s > ended_s else (ended_s, draw(dice)) for b, s in sessions]
    now_s = max(began_s for began_s, _ in sessions)
    lobby = house([now_s - began_s for began_s, _ in sessions])
    told = view(lobby, [draw(dice) for _ in range(RECENT)], NOW_S, 0, 1).line
    ends = [began_s + length_s - now_s for began_s, length_s in sessions]
    heapq.heapify(ends)
    came = []
    for _ in range(WAITING):
        came.append(ends[0])
        heapq.heapreplace(ends, ends[0] + draw(dice))
    return [each.wait_s or 0.0 for each in told], came


@pytest.mark.parametrize(
    "draw",
    [
        lambda dice: dice.expovariate(1 / 600),
        lambda dice: dice.lognormvariate(6, 0.8),
        lambda dice: dice.gauss(600, 60),
    ],
    ids=["any time", "a few for very long", "all much alike"],
)
def test_what_the_line_is_told_is_what_then_happens(draw: Draw) -> None:
    dice = random.Random(4)
    evenings = [evening(dice, draw) for _ in range(150)]
    for place in range(WAITING):
        told = median(each[0][place] for each in evenings)
        came = median(each[1][place] for each in evenings)
        assert told == pytest.approx(came, rel=0.25, abs=20), f"place {place + 1}"
    # Whoever is told less comes sooner.
    assert all(each[0] == sorted(each[0]) for each in evenings)
    assert mean(each[0][0] for each in evenings) < mean(each[0][-1] for each in evenings) / 3
