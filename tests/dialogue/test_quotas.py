"""What people may use in a day, by role; what is counted, and by whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialogue.errors import BadValue, QuotaSpent, SpeechQuotaSpent
from dialogue.quotas import DAY_S
from dialogue.settings import QuotaSettings
from tests.dialogue.scene import ANNA, BEN, CLUB, HALL, NOON_S, SETTINGS, Scene, open_scene
from tests.support.endpoint import Reply

MODERATOR, RED, BLUE = 9009, 41, 42
MIDNIGHT_S = NOON_S + DAY_S / 2


async def limit(scene: Scene, role: int, tokens: int | None, spoken_s: float | None = None) -> None:
    await scene.dialogue.moderators.set_limit(
        CLUB, MODERATOR, role, tokens_per_day=tokens, spoken_s_per_day=spoken_s
    )


async def left(scene: Scene, *roles: int, person: int = ANNA, guild: int = CLUB) -> int | None:
    return (await scene.dialogue.quotas.allowance(person, guild, roles)).tokens_left


async def test_what_the_provider_reports_is_counted(tmp_path: Path) -> None:
    settings = replace(SETTINGS, model=replace(SETTINGS.model, price_in=2.0, price_out=10.0))
    async with open_scene(tmp_path, settings) as scene:
        scene.endpoint.say("Hello.", usage=(100, 50))
        heard = await scene.say("Hi")
        assert heard.answer.usage is not None
        assert not heard.answer.usage.counted
        used = (await scene.dialogue.quotas.allowance(ANNA, CLUB)).used
        assert (used.tokens_in, used.tokens_out, used.tokens_counted) == (100, 50, 0)
        assert used.cost == pytest.approx(0.0007)
        costs = await scene.dialogue.quotas.costs()
        assert costs.today.answers == costs.month.answers == 1


@pytest.mark.parametrize(
    "reply", [Reply("one two three", usage="none"), Reply("one two three", ending="drop")]
)
async def test_where_it_reports_none_our_own_count_is_used_and_marked(
    scene: Scene, reply: Reply
) -> None:
    scene.endpoint.then(reply)
    heard = await scene.say("Hi")
    usage = heard.answer.usage
    assert usage is not None
    assert usage.counted
    assert usage.tokens_out == 3
    used = (await scene.dialogue.quotas.allowance(ANNA, CLUB)).used
    assert used.tokens == used.tokens_counted == usage.tokens_in + 3
    assert 30 < usage.tokens_in < 80


async def test_a_stopped_answer_is_counted_by_us(scene: Scene) -> None:
    scene.endpoint.then(Reply("one two three", ending="stall"))
    async with scene.dialogue.responder.answer(scene.ask("count")) as answer:
        seen = ""
        while "three" not in seen:
            seen += await anext(answer)
        answer.cancel()
        await answer.settle(seen, complete=False)
    assert answer.usage is not None
    assert answer.usage.counted
    assert answer.usage.tokens_out == 3


async def test_a_refused_request_costs_nothing(scene: Scene) -> None:
    scene.endpoint.then(Reply(ending="cut"))
    await scene.say("Hi")
    assert (await scene.dialogue.quotas.allowance(ANNA, CLUB)).used.tokens == 0


async def test_the_most_generous_role_counts_and_a_role_before_everyone(scene: Scene) -> None:
    assert await left(scene) is None
    await limit(scene, CLUB, 1000)
    await limit(scene, RED, 5000)
    await limit(scene, BLUE, 200)
    assert await left(scene) == 1000
    assert await left(scene, RED) == 5000
    assert await left(scene, RED, BLUE) == 5000
    assert await left(scene, BLUE) == 200
    assert await left(scene, BLUE, guild=HALL) is None
    assert await left(scene, guild=0) is None
    await limit(scene, RED, None, 60.0)  # no limit of tokens, one of speech
    assert await left(scene, RED) is None
    await limit(scene, RED, None, None)
    assert await left(scene, RED) == 1000


async def test_who_used_it_up_is_told_when_it_renews(scene: Scene) -> None:
    await limit(scene, CLUB, 400)
    scene.endpoint.say("Hello.", usage=(300, 90))
    await scene.say("Hi")
    with pytest.raises(QuotaSpent) as caught:
        await scene.say("Hi again")
    assert caught.value.details == {"renews": f"<t:{int(MIDNIGHT_S)}:R>"}
    assert len(scene.endpoint.chats) == 1
    assert (await scene.say("Hi", BEN)).text
    assert (await scene.say("Hi", guild=HALL)).text
    scene.clock.now_s = MIDNIGHT_S
    assert (await scene.say("Good morning")).text


async def test_an_answer_is_no_longer_than_what_is_left(scene: Scene) -> None:
    await limit(scene, CLUB, 300)
    await scene.say("Hi")
    assert 16 <= scene.endpoint.chats[-1].body["max_tokens"] < 300


async def test_the_owners_limit_holds_over_all_servers(tmp_path: Path) -> None:
    settings = replace(SETTINGS, quota=QuotaSettings(tokens_per_day=1000, spoken_s_per_day=60.0))
    async with open_scene(tmp_path, settings) as scene:
        scene.endpoint.say("Hello.", usage=(400, 200))
        await scene.say("Hi", guild=HALL)
        assert await left(scene) == 400
        assert await left(scene, guild=0) == 400
        await limit(scene, CLUB, 5000)
        assert await left(scene) == 400
        await limit(scene, CLUB, 100)
        assert await left(scene) == 100
        shown = await scene.dialogue.quotas.allowance(ANNA, CLUB)
        assert (shown.used.tokens, shown.used_everywhere.tokens) == (0, 600)
        assert shown.renews_s == MIDNIGHT_S


async def test_speech_has_a_quota_of_its_own(scene: Scene) -> None:
    quotas = scene.dialogue.quotas
    await quotas.may_speak(ANNA, CLUB)
    await limit(scene, CLUB, None, 30.0)
    await quotas.spoke(ANNA, CLUB, 20.0)
    await quotas.may_speak(ANNA, CLUB)
    await quotas.spoke(ANNA, CLUB, 15.0)
    allowance = await quotas.allowance(ANNA, CLUB)
    assert (allowance.spoken_limit_s, allowance.spoken_left_s) == (30.0, 0.0)
    with pytest.raises(SpeechQuotaSpent):
        await quotas.may_speak(ANNA, CLUB)
    assert (await scene.say("text goes on")).text
    scene.clock.now_s = MIDNIGHT_S
    await quotas.may_speak(ANNA, CLUB)


async def test_a_limit_is_a_sensible_number(scene: Scene) -> None:
    for tokens, spoken_s in ((-1, None), (10**9, None), (None, -1.0), (None, float("nan"))):
        with pytest.raises(BadValue):
            await limit(scene, CLUB, tokens, spoken_s)
    await limit(scene, CLUB, 0)
    with pytest.raises(QuotaSpent):
        await scene.say("Hi")


async def test_a_forget_is_no_fresh_quota(scene: Scene) -> None:
    await limit(scene, CLUB, 400)
    scene.endpoint.say("Hello.", usage=(300, 90))
    await scene.say("Hi")
    await scene.dialogue.privacy.forget(ANNA)
    with pytest.raises(QuotaSpent):
        await scene.say("Hi again")
