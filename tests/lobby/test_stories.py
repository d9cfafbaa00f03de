"""What people live through in the lobby, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from lobby import errors
from lobby.records import HoldUp, NoticeKind, ServerRules, Stage, Standing, Why
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


async def test_a_free_slot_is_given_at_once_and_parley_comes(scene: Scene) -> None:
    answer = await scene.comes_and_asks(ANN, BLUE)
    assert isinstance(answer, Standing)
    assert answer.stage is Stage.HELD
    assert scene.only.voice.where(HOME) == BLUE
    assert scene.heard(ANN)
    assert scene.told(ANN) == []  # the command's own answer says it


async def test_when_all_slots_are_taken_people_wait_in_order_and_follow(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, HALL)
    answer = await scene.comes_and_asks(CAT, ATTIC)
    assert isinstance(answer, Standing)
    assert (answer.stage, answer.position, answer.hold_up) == (Stage.WAITING, 1, HoldUp.TURN)
    await scene.comes_and_asks(DAN, BLUE)
    assert scene.line() == [CAT, DAN]
    assert not scene.heard(CAT)
    await scene.only.director.leave(BEN)
    await quiet()
    assert scene.heard(CAT)
    assert scene.told(CAT) == [NoticeKind.STARTED]
    assert scene.only.voice.where(AWAY) == 0
    assert scene.only.voice.where(THIRD) == ATTIC
    assert scene.line() == [DAN]


async def test_people_in_one_channel_share_the_connection(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, BLUE)
    assert scene.heard(ANN)
    assert scene.heard(BEN)
    await scene.only.director.leave(ANN)
    await quiet()
    assert scene.only.voice.log == [
        ("connect", HOME, BLUE),
        ("silence", HOME, ANN),
    ]


async def test_another_channel_of_a_busy_server_waits_and_blocks_nobody(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    answer = await scene.comes_and_asks(BEN, RED)
    assert isinstance(answer, Standing)
    assert (answer.stage, answer.hold_up) == (Stage.WAITING, HoldUp.CHANNEL)
    await scene.comes_and_asks(CAT, HALL)
    assert scene.heard(CAT)  # asked later, in another server: not held up by Ben
    await scene.comes_and_asks(DAN, ATTIC)
    assert scene.line() == [BEN, DAN]
    await scene.only.director.leave(ANN)
    await quiet()
    assert scene.heard(BEN)  # kept the place, so comes before Dan
    assert scene.only.voice.where(HOME) == RED


async def test_whoever_is_not_there_is_pinged_and_has_a_minute(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, HALL)
    await scene.asks(CAT, THIRD)
    await scene.asks(DAN, THIRD)
    await scene.only.director.leave(ANN)
    await quiet()
    assert scene.stage(CAT) is Stage.CALLED
    assert [(n.person_id, n.kind, n.seconds) for n in scene.notices.pings] == [
        (CAT, NoticeKind.CALLED, 60)
    ]
    assert isinstance(scene.only.director.why_silent(CAT, THIRD), errors.TurnHasCome)
    await scene.passes(59)
    assert scene.stage(DAN) is Stage.WAITING
    await scene.passes(2)
    assert scene.last(CAT) is NoticeKind.CLAIM_MISSED
    assert scene.stage(CAT) is None
    assert scene.stage(DAN) is Stage.CALLED
    await scene.enters(DAN, ATTIC)
    assert scene.heard(DAN)
    assert scene.only.voice.where(THIRD) == ATTIC


async def test_a_called_person_who_comes_to_the_wrong_channel_keeps_the_place(
    scene: Scene,
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.asks(BEN, HOME)
    assert scene.stage(BEN) is Stage.CALLED
    await scene.enters(BEN, RED)
    assert scene.stage(BEN) is Stage.WAITING
    assert scene.last(BEN) is NoticeKind.OTHER_CHANNEL
    assert scene.notices.log[-1].channel_id == BLUE
    await scene.enters(BEN, BLUE)
    assert scene.heard(BEN)


async def test_idle_people_are_warned_and_then_released_with_a_word(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.passes(239)
    assert scene.told(ANN) == []
    await scene.passes(2)
    assert scene.told(ANN) == [NoticeKind.IDLE_WARNING]
    assert scene.notices.log[0].seconds == pytest.approx(60, abs=1)
    await scene.passes(57)
    assert scene.heard(ANN)
    await scene.passes(3)
    assert scene.told(ANN) == [NoticeKind.IDLE_WARNING, NoticeKind.ENDED]
    assert scene.notices.log[-1].why is Why.IDLE
    assert scene.only.voice.where(HOME) == 0


async def test_speaking_to_parley_starts_the_idle_time_anew(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    for _ in range(4):
        await scene.passes(250)
        await scene.speaks(ANN)
    assert scene.heard(ANN)
    assert scene.told(ANN) == [NoticeKind.IDLE_WARNING] * 4
    await scene.passes(301)
    assert not scene.heard(ANN)


async def test_an_evicted_person_who_never_left_cannot_speak_until_queued_again(
    scene: Scene,
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, BLUE)
    await scene.comes_and_asks(CAT, HALL)
    await scene.passes(200)
    await scene.speaks(BEN)
    await scene.passes(101)
    assert scene.last(ANN) is NoticeKind.ENDED
    assert ("silence", HOME, ANN) in scene.only.voice.log
    assert scene.heard(CAT)
    # The house is full again, and Ann still sits in the channel where Ben is heard.
    for _ in range(3):
        await scene.speaks(ANN)
        await scene.enters(ANN, BLUE)
        assert not scene.heard(ANN)
        assert isinstance(scene.only.director.why_silent(ANN, HOME), errors.TurnEnded)
    await scene.asks(ANN)
    assert isinstance(scene.only.director.why_silent(ANN, HOME), errors.StillWaiting)
    await scene.only.director.leave(CAT)
    await quiet()
    assert scene.heard(ANN)


async def test_asking_twice_is_blocked_and_moving_is_offered(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    again = await scene.asks(ANN)
    assert isinstance(again, Standing)
    assert again.stage is Stage.HELD
    refused = await scene.asks(ANN, AWAY)
    assert isinstance(refused, errors.AlreadySpeaking)
    assert (refused.guild_id, refused.channel_id) == (HOME, BLUE)
    await scene.enters(ANN, HALL)
    moved = await scene.only.director.move(ANN, AWAY, HALL)
    await quiet()
    assert moved.stage is Stage.HELD
    assert scene.only.voice.at == {AWAY: HALL}
    assert scene.heard(ANN)
    assert not scene.only.director.may_speak(ANN, HOME)


async def test_moving_into_a_channel_of_a_busy_server_is_refused(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.comes_and_asks(BEN, BLUE)
    await scene.enters(ANN, RED)
    assert scene.last(ANN) is NoticeKind.MOVE_OFFER
    with pytest.raises(errors.ChannelBusy):
        await scene.only.director.move(ANN, HOME, RED)
    await scene.only.director.leave(BEN)
    await scene.only.director.move(ANN, HOME, RED)
    await quiet()
    assert scene.only.voice.where(HOME) == RED
    assert scene.heard(ANN)


async def test_leaving_for_a_moment_keeps_the_session_and_for_longer_loses_it(
    scene: Scene,
) -> None:
    await scene.comes_and_asks(ANN, BLUE)
    await scene.enters(ANN, 0)
    assert isinstance(scene.only.director.why_silent(ANN, HOME), errors.NotInChannel)
    await scene.passes(14)
    await scene.enters(ANN, BLUE)
    await scene.passes(30)
    assert scene.heard(ANN)
    await scene.enters(ANN, 0)
    await scene.passes(16)
    assert scene.told(ANN) == [NoticeKind.ENDED]
    assert scene.notices.log[-1].why is Why.GONE
    await scene.enters(ANN, BLUE)
    assert scene.stage(ANN) is None  # coming back later means the line again


async def test_servers_may_limit_sessions_and_reserve_seats_for_roles() -> None:
    vip = frozenset({77})
    async with Scene(slots=10) as scene:
        await scene.only.director.set_rules(
            ServerRules(HOME, seats=2, reserved=1, idle_s=100, priority_roles=(77,))
        )
        await scene.comes_and_asks(ANN, BLUE)
        await scene.comes_and_asks(BEN, BLUE)
        view = scene.only.director.view(BEN)
        assert view.you.hold_up is HoldUp.SERVER_FULL
        await scene.enters(CAT, BLUE)
        await scene.asks(CAT, roles=vip)
        assert scene.heard(CAT)
        await scene.comes_and_asks(DAN, HALL)
        assert scene.heard(DAN)  # another server has its own limits
        await scene.passes(101)
        assert scene.stage(ANN) is None
        assert scene.stage(DAN) is Stage.HELD


async def test_priority_goes_first_among_its_own_server_only() -> None:
    vip = frozenset({77})
    async with Scene(slots=1) as scene:
        await scene.only.director.set_rules(ServerRules(HOME, priority_roles=(77,)))
        await scene.comes_and_asks(EVA, ATTIC)
        await scene.comes_and_asks(ANN, BLUE)
        await scene.comes_and_asks(BEN, HALL)
        await scene.comes_and_asks(CAT, BLUE)
        await scene.enters(DAN, BLUE)
        await scene.asks(DAN, roles=vip)
        assert scene.line() == [DAN, BEN, ANN, CAT]


async def test_a_full_line_says_so() -> None:
    async with Scene(slots=1, line_most=1) as scene:
        await scene.comes_and_asks(ANN, BLUE)
        await scene.comes_and_asks(BEN, BLUE)
        assert isinstance(await scene.comes_and_asks(CAT, BLUE), errors.LineFull)
        again = await scene.asks(BEN)  # asking again is no new place
        assert isinstance(again, Standing)


async def test_the_wait_is_unknown_without_history_and_honest_with_it() -> None:
    async with Scene(slots=1) as scene:
        for person in (ANN, BEN, CAT):
            await scene.comes_and_asks(person, BLUE)
        assert scene.only.director.view(CAT).you.wait_s is None
        for person in (ANN, BEN, CAT):
            await scene.passes(100)
            await scene.only.director.leave(person)
        await quiet()
        for person in (ANN, BEN, CAT):
            await scene.asks(person)
        await scene.passes(40)
        assert scene.only.director.view(BEN).you.wait_s == pytest.approx(60, abs=1)
        assert scene.only.director.view(CAT).you.wait_s == pytest.approx(160, abs=1)


async def test_an_open_queue_hears_of_every_change(scene: Scene) -> None:
    director = scene.only.director
    version = director.view().version
    waiting = asyncio.create_task(director.changed(version))
    await quiet()
    assert not waiting.done()
    await scene.comes_and_asks(ANN, BLUE)
    assert await waiting > version


async def test_strangers_in_voice_cost_no_transaction(scene: Scene) -> None:
    version = scene.store.books.version
    for person in range(1000, 1100):
        await scene.enters(person, BLUE)
    assert scene.store.books.version == version


async def test_a_called_person_keeps_the_channel_they_waited_in(scene: Scene) -> None:
    await scene.comes_and_asks(ANN, HALL)
    await scene.comes_and_asks(BEN, ATTIC)
    await scene.comes_and_asks(CAT, BLUE)
    await scene.comes_and_asks(DAN, RED)
    await scene.enters(CAT, 0)
    await scene.only.director.leave(ANN)
    await scene.only.director.leave(BEN)
    await quiet()
    assert scene.stage(CAT) is Stage.CALLED
    assert scene.notices.pings[-1].channel_id == BLUE
    # A slot is free, but Parley's one voice there is promised to Cat's channel.
    assert scene.only.director.view(DAN).you.hold_up is HoldUp.CHANNEL
    await scene.passes(61)
    assert scene.heard(DAN)


async def test_a_called_person_who_asks_in_a_full_server_does_not_squeeze_in() -> None:
    async with Scene(slots=3) as scene:
        await scene.only.director.set_rules(ServerRules(HOME, seats=1))
        await scene.comes_and_asks(ANN, BLUE)
        await scene.asks(BEN, AWAY)
        assert scene.stage(BEN) is Stage.CALLED
        await scene.comes_and_asks(BEN, BLUE)
        assert scene.only.director.view(BEN).you.hold_up is HoldUp.SERVER_FULL
        await scene.only.director.leave(ANN)
        await quiet()
        assert scene.heard(BEN)
