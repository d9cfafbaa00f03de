"""What the world does to the lobby, in virtual time: Discord, restarts, clocks."""

from __future__ import annotations

import asyncio

import pytest

from lobby import errors
from lobby.records import HoldUp, NoticeKind, Stage, Why
from tests.lobby.fakes import quiet
from tests.lobby.scene import (
    ANN,
    ATTIC,
    AWAY,
    BEN,
    BLUE,
    CAT,
    DAN,
    EVA,
    HALL,
    HOME,
    RED,
    THIRD,
    Scene,
)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        ("kicked", Why.KICKED),
        ("deleted", Why.CHANNEL_DELETED),
        ("removed", Why.GUILD_REMOVED),
        ("forbidden", Why.FORBIDDEN),
        ("banned", Why.MEMBER_GONE),
        ("moderator", Why.MODERATOR),
    ],
)
async def test_whatever_happens_the_session_is_released_once_and_people_are_told(
    scene: Scene, happens: str, why: Why
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, HALL)
    await scene.comes_and_asks(CAT, ATTIC)
    director = scene.only.director
    match happens:
        case "kicked":
            await director.bot_voice_state(HOME, 0, muted=False)
            await director.connection_lost(HOME, BLUE, Why.KICKED)  # the watchdog says so too
        case "deleted":
            await director.channel_deleted(HOME, BLUE)
            await director.bot_voice_state(HOME, 0, muted=False)
        case "removed":
            await director.guild_removed(HOME)
            await director.channel_deleted(HOME, BLUE)
        case "forbidden":
            await director.connection_lost(HOME, BLUE, Why.FORBIDDEN)
        case "banned":
            await director.member_gone(ANN, HOME)
            await director.voice_state(ANN, HOME, 0)
        case "moderator":
            await director.end(ANN, by_id=EVA)
    await quiet()
    ended = [n for n in scene.notices.log if n.person_id == ANN]
    assert [(n.kind, n.why) for n in ended] == [(NoticeKind.ENDED, why)]
    assert not scene.heard(ANN)
    assert scene.heard(CAT)
    assert scene.only.voice.at == {AWAY: HALL, THIRD: ATTIC}
    released = [line for line in scene.trail() if line.deed == "released"]
    assert [(line.person_id, line.why) for line in released] == [(ANN, why)]


async def test_parley_moved_by_somebody_takes_along_who_is_there(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, BLUE)
    await scene.enters(ANN, RED)
    scene.only.voice.at[HOME] = RED
    await scene.only.director.bot_voice_state(HOME, RED, muted=False)
    await quiet()
    assert scene.heard(ANN)
    assert not scene.heard(BEN)
    assert scene.last(BEN) is NoticeKind.BOT_MOVED
    await scene.passes(10)
    await scene.enters(BEN, RED)
    assert scene.heard(BEN)
    assert [each[0] for each in scene.only.voice.log] == ["connect"]  # it was moved already


async def test_a_muted_parley_says_so_once_and_answers_in_text(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    director = scene.only.director
    await director.bot_voice_state(HOME, BLUE, muted=True)
    await director.bot_voice_state(HOME, BLUE, muted=True)
    assert isinstance(director.why_silent(ANN, HOME), errors.MutedHere)
    await director.bot_voice_state(HOME, BLUE, muted=False)
    await quiet()
    assert scene.told(ANN) == [NoticeKind.MUTED, NoticeKind.UNMUTED]
    assert scene.heard(ANN)


async def test_a_full_channel_costs_nobody_else_their_place(scene: Scene) -> None:
    scene.only.voice.broken[BLUE] = Why.CHANNEL_FULL
    await scene.comes_and_asks(ANN, HALL)
    await scene.comes_and_asks(BEN, ATTIC)
    await scene.comes_and_asks(CAT, BLUE)
    await scene.comes_and_asks(DAN, BLUE)
    await scene.only.director.leave(ANN)
    await quiet()
    assert scene.told(CAT) == [NoticeKind.ENDED]  # not: it is your turn
    assert scene.notices.log[-1].why is Why.CHANNEL_FULL
    # Dan is in the same channel: he waits until it may have room, instead of failing too.
    view = scene.only.director.view(DAN)
    assert (view.you.stage, view.you.hold_up) == (Stage.WAITING, HoldUp.BARRED)
    scene.only.voice.broken.clear()
    await scene.passes(61)
    assert scene.heard(DAN)


async def test_asking_again_tries_a_barred_channel_at_once(scene: Scene) -> None:
    scene.only.voice.broken[BLUE] = Why.FORBIDDEN
    await scene.comes_and_asks(ANN, BLUE)
    assert scene.stage(ANN) is None
    scene.only.voice.broken.clear()
    await scene.asks(ANN)
    assert scene.heard(ANN)


async def test_a_connection_that_never_comes_about_is_given_up() -> None:
    async with Scene(connect_s=0.05) as scene:
        scene.only.voice.hold = asyncio.Event()
        await scene.comes_and_asks(ANN, BLUE)
        await scene.only.director.settled()
        assert scene.notices.log[-1].why is Why.CONNECTION_FAILED
        assert scene.stage(ANN) is None


async def test_leaving_while_parley_is_still_connecting_leaves_nothing_behind(
    scene: Scene,
) -> None:
    scene.only.voice.hold = asyncio.Event()
    await scene.comes_and_asks(ANN, BLUE)
    await scene.only.director.leave(ANN)
    await scene.comes_and_asks(BEN, RED)
    scene.only.voice.hold.set()
    await quiet()
    assert scene.only.voice.at == {HOME: RED}
    assert scene.heard(BEN)


async def test_a_move_during_our_own_move_is_noticed_afterwards(scene: Scene) -> None:
    scene.only.voice.hold = asyncio.Event()
    await scene.comes_and_asks(ANN, BLUE)
    await scene.only.director.bot_voice_state(HOME, BLUE, muted=False)  # our own arrival
    scene.only.voice.hold.set()
    await quiet()
    assert scene.heard(ANN)
    assert [each[0] for each in scene.only.voice.log] == ["connect"]


async def test_sessions_resume_after_a_restart_within_half_a_minute(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, HALL)
    await scene.comes_and_asks(CAT, ATTIC)
    await scene.asks(DAN, THIRD)
    for end in (scene.stops, scene.dies):
        await end("parley")
        await scene.passes(25)
        bot = await scene.starts("parley", 100, 200, 300, ready=False)
        assert not scene.heard(ANN)  # not before Discord is there
        await scene.passes(3)
        await scene.sees("parley")
        assert bot.voice.at == {HOME: BLUE, AWAY: HALL}
        assert scene.heard(ANN)
        assert scene.heard(BEN)
        assert scene.last(ANN) is NoticeKind.RESUMED
        assert scene.line() == [CAT, DAN]
    assert [line.why for line in scene.trail() if line.deed == "released"] == []


async def test_time_stands_still_for_people_while_parley_is_away(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.passes(235)
    await scene.stops("parley")
    await scene.passes(20)
    await scene.starts("parley", 100)
    await scene.passes(3)
    assert NoticeKind.IDLE_WARNING not in scene.told(ANN)
    await scene.passes(4)
    assert scene.last(ANN) is NoticeKind.IDLE_WARNING


async def test_after_a_long_absence_slots_are_free_and_the_line_keeps_its_order(
    scene: Scene,
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, HALL)
    await scene.comes_and_asks(CAT, ATTIC)
    await scene.asks(DAN, THIRD)
    await scene.dies("parley")
    await scene.passes(120)
    await scene.starts("parley", 100, 200, 300)
    assert scene.last(ANN) is NoticeKind.ENDED
    assert {n.why for n in scene.notices.log if n.kind is NoticeKind.ENDED} == {Why.AWAY}
    assert scene.heard(CAT)
    assert scene.stage(DAN) is Stage.CALLED


async def test_an_outage_of_discord_is_survived_or_ends_the_sessions(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    director = scene.only.director
    await director.gateway_down()
    assert isinstance(director.why_silent(ANN, HOME), errors.LobbyAway)
    await scene.passes(20)
    await scene.sees("parley")
    assert scene.heard(ANN)
    assert scene.told(ANN) == []
    await director.gateway_down()
    await scene.passes(31)
    await scene.sees("parley")
    assert not scene.heard(ANN)
    assert [n.why for n in scene.notices.log] == [Why.AWAY]


async def test_who_left_during_a_restart_has_grace_and_no_more(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.stops("parley")
    del scene.here[ANN]
    await scene.starts("parley", 100)
    assert scene.stage(ANN) is Stage.GRACE
    await scene.passes(16)
    assert scene.stage(ANN) is None


async def test_a_jump_of_the_clock_costs_nobody_a_session(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    for jump_s in (3600.0, -7200.0, 86400.0):
        scene.store.jump_s += jump_s
        await scene.passes(15)
        assert scene.heard(ANN)
    assert scene.told(ANN) == []
    # What passed between the last writing and the jump may be lost, in favour of the people.
    await scene.passes(195 + scene.settings.heartbeat_s)
    assert scene.told(ANN) == [NoticeKind.IDLE_WARNING]
    await scene.passes(61)
    assert not scene.heard(ANN)


async def test_news_that_comes_while_somebody_asks_is_not_lost(scene: Scene) -> None:
    director = scene.only.director
    scene.here[ANN] = BLUE
    asking = asyncio.create_task(director.join(ANN, HOME, BLUE))
    leaving = asyncio.create_task(director.voice_state(ANN, HOME, 0))
    await asyncio.gather(asking, leaving)
    assert scene.stage(ANN) is Stage.GRACE


async def test_who_stops_waiting_for_an_answer_takes_no_effect_along(scene: Scene) -> None:
    asking = asyncio.create_task(scene.only.director.join(ANN, HOME, BLUE))
    await asyncio.sleep(0)
    asking.cancel()
    await quiet()
    assert scene.stage(ANN) is Stage.HELD
    assert scene.only.voice.where(HOME) == BLUE
