"""What people live through in the lobby, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lobby import errors
from lobby.records import HoldUp, NoticeKind, ServerRules, Stage, Standing, Why
from storage.errors import StorageError
from tests.lobby.fakes import quiet
from tests.lobby.invariants import Count
from tests.lobby.scene import Scene

HOME, AWAY, THIRD = 100, 200, 300
BLUE, RED = 101, 102
HALL, CELLAR = 201, 202
ATTIC = 301
ANN, BEN, CAT, DAN, EVA = 1, 2, 3, 4, 5


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Scene(slots=2) as scene:
        yield scene
        count = Count(scene.settings.slots).read(scene.trail())
        count.agrees_with(scene.store.books.places)


def last(scene: Scene, person: int) -> NoticeKind | None:
    kinds = scene.told(person)
    return kinds[-1] if kinds else None


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
    assert last(scene, CAT) is NoticeKind.CLAIM_MISSED
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
    assert last(scene, BEN) is NoticeKind.OTHER_CHANNEL
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
    assert last(scene, ANN) is NoticeKind.ENDED
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
    assert last(scene, ANN) is NoticeKind.MOVE_OFFER
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
    assert last(scene, BEN) is NoticeKind.BOT_MOVED
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
    assert scene.told(CAT) == [NoticeKind.STARTED, NoticeKind.ENDED] or scene.told(CAT) == [
        NoticeKind.ENDED
    ]
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
        assert last(scene, ANN) is NoticeKind.RESUMED
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
    assert last(scene, ANN) is NoticeKind.IDLE_WARNING


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
    assert last(scene, ANN) is NoticeKind.ENDED
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
    await scene.passes(16)
    assert isinstance(director.why_silent(ANN, HOME), errors.LobbyAway)
    scene.only.cable.plugged = True
    await scene.passes(12)
    # Others may have taken the slot meanwhile; here nobody did, but the session was over.
    assert isinstance(director.why_silent(ANN, HOME), errors.TurnEnded)
    assert scene.only.voice.at == {}


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
