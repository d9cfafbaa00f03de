"""Several processes, some of which die, and stores that fail, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from lobby import errors
from lobby.keeper import Keeper
from lobby.records import Join, NoticeKind, Spoke, Stage, Started, Tick, Why
from lobby.settings import LobbySettings
from storage.errors import StorageError
from tests.lobby.fakes import MemoryStore, VirtualClock, quiet
from tests.lobby.scene import ANN, ATTIC, AWAY, BEN, BLUE, CAT, EVA, HALL, HOME, RED, Scene


async def test_what_is_decided_before_discord_is_there_is_told_when_it_is(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.dies("parley")
    await scene.passes(120)
    await scene.starts("parley", 100, ready=False)
    await quiet()
    assert scene.stage(ANN) is None
    assert scene.told(ANN) == []  # there is nobody yet through whom to tell it
    await scene.dies("parley")
    await scene.starts("parley", 100, ready=False)
    await scene.sees("parley")
    await quiet()
    assert scene.told(ANN) == [NoticeKind.ENDED]


async def test_two_processes_share_the_slots_and_the_line(scene: Scene) -> None:
    await scene.stops("parley")
    east = await scene.starts("east", 100, 300)
    west = await scene.starts("west", 200, 400)
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, ATTIC)
    await scene.comes_and_asks(CAT, HALL)
    assert scene.stage(CAT) is Stage.WAITING
    await east.director.leave(ANN)
    await quiet()
    assert west.voice.at == {AWAY: HALL}
    assert west.director.may_speak(CAT, AWAY)
    assert scene.told(CAT) == [NoticeKind.STARTED]
    # A moderator's command reaches the wrong process: the right one is silent at once.
    await east.director.end(CAT, by_id=EVA)
    await quiet()
    assert not west.director.may_speak(CAT, AWAY)
    assert ("silence", AWAY, CAT) in west.voice.log
    assert west.voice.at == {}


async def test_a_killed_process_frees_its_slots_after_its_lease(scene: Scene) -> None:
    await scene.stops("parley")
    await scene.starts("east", 100, 300)
    await scene.starts("west", 200)
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, ATTIC)
    await scene.comes_and_asks(CAT, HALL)
    await scene.dies("east")
    await scene.passes(scene.settings.lease_s - scene.settings.heartbeat_s - 1)
    assert scene.stage(CAT) is Stage.WAITING
    await scene.passes(scene.settings.heartbeat_s + 2)
    assert scene.heard(CAT)
    assert scene.stage(ANN) is None


async def test_a_second_process_of_the_same_name_silences_the_first(scene: Scene) -> None:
    first = scene.only
    await scene.comes_and_asks(ANN, BLUE)
    second = await scene.starts("parley", 100)
    await scene.passes(11)
    assert isinstance(first.director.why_silent(ANN, HOME), errors.LobbyAway)
    assert ("silence", HOME, ANN) in first.voice.log
    with pytest.raises(errors.LobbyAway):
        await first.director.join(BEN, HOME, BLUE)
    assert second.director.may_speak(ANN, HOME)
    await first.stack.aclose()
    assert second.director.may_speak(ANN, HOME)  # its goodbye is not believed


async def test_without_its_store_a_process_stops_speaking_when_its_lease_is_over(
    scene: Scene,
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    director = scene.only.director
    scene.only.cable.plugged = False
    await scene.passes(30)
    assert director.may_speak(ANN, HOME)
    assert ("silence", HOME, ANN) not in scene.only.voice.log
    await scene.passes(16)
    assert isinstance(director.why_silent(ANN, HOME), errors.LobbyAway)
    # What was already made and waited to be heard is silenced too.
    assert scene.only.voice.log.count(("silence", HOME, ANN)) == 1
    scene.only.cable.plugged = True
    await scene.passes(12)
    # Others may have taken the slot meanwhile; here nobody did, but the session was over.
    assert isinstance(director.why_silent(ANN, HOME), errors.TurnEnded)
    assert scene.only.voice.at == {}


async def test_news_waits_for_a_store_that_fails(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    director = scene.only.director
    scene.only.cable.plugged = False
    await director.touch(ANN, HOME)  # speaking is never lost because of it
    news = [
        asyncio.create_task(director.voice_state(ANN, HOME, 0)),
        asyncio.create_task(director.voice_state(ANN, HOME, RED)),
        asyncio.create_task(director.gateway_down()),
    ]
    await scene.passes(5)
    assert scene.stage(ANN) is Stage.HELD
    with pytest.raises(StorageError):
        await director.leave(ANN)
    scene.only.cable.plugged = True
    await scene.passes(2)
    await asyncio.gather(*news)
    assert scene.stage(ANN) is Stage.GRACE
    assert scene.told(ANN) == [NoticeKind.MOVE_OFFER]
    assert isinstance(director.why_silent(ANN, HOME), errors.LobbyAway)


async def test_a_failed_connection_is_reported_when_the_store_is_back(scene: Scene) -> None:
    scene.only.voice.broken[BLUE] = Why.FORBIDDEN
    scene.only.voice.hold = asyncio.Event()
    await scene.comes_and_asks(ANN, BLUE)
    scene.only.cable.plugged = False
    scene.only.voice.hold.set()
    await scene.passes(5)
    assert scene.stage(ANN) is Stage.HELD
    scene.only.cable.plugged = True
    await scene.passes(2)
    assert scene.stage(ANN) is None
    assert scene.notices.log[-1].why is Why.FORBIDDEN


async def test_a_fresh_start_does_not_repeat_what_was_left_for_the_dead(scene: Scene) -> None:
    await scene.stops("parley")
    east = await scene.starts("east", 100)
    await scene.starts("west", 200)
    for person in (ANN, BEN):
        await scene.comes_and_asks(person, BLUE)
    await scene.comes_and_asks(CAT, HALL)
    await scene.dies("west")
    await east.director.leave(ANN)  # Cat's turn: west shall connect, but cannot
    await quiet()
    west = await scene.starts("west", 200)
    assert west.voice.log == [("connect", AWAY, HALL)]
    assert scene.heard(CAT)
    assert scene.told(CAT) == [NoticeKind.STARTED, NoticeKind.RESUMED]


async def test_whatever_a_process_writes_shows_that_it_is_alive() -> None:
    clock = VirtualClock()
    store, settings = MemoryStore(clock), LobbySettings()
    keepers = [
        # Never opened: their timers do not run, as if a crowd were always in front of them.
        Keeper(store, settings, name, clock, lambda effects: None)
        for name in ("east", "west")
    ]
    east, west = keepers
    for keeper, server in ((east, HOME), (west, AWAY)):
        await keeper.run(Started(keeper.process, keeper.incarnation))
        await keeper.ready({server: {}})
    await east.run(Join("east", ANN, HOME, BLUE))
    for _ in range(10):
        await clock.advance(settings.lease_s - 10)
        await east.run(Spoke(ANN, HOME))
        await west.run(Tick())
    assert store.books.places[ANN].stage is Stage.HELD
    await clock.advance(settings.lease_s + 1)
    await west.run(Tick())
    assert ANN not in store.books.places
