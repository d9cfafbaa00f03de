"""Who reads Chinese or Japanese has commands, sentences, buttons, forms and errors in it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from sandbox.actor import Actor
from sandbox.records import Interaction, Message
from tests.stories.community import body, files_of, private, told
from tests.stories.every_command import ROWS, UNSENT
from tests.stories.test_every_command import prepared, who
from tests.stories.town import Town, labels
from tests.support.endpoint import REFUSALS

LATIN = re.compile(r"[A-Za-z]{2,}")
HAN_OR_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
LETTERS = re.compile(r"[^\W\d_]")
GIVEN = re.compile(
    r"en_US[-/\w]*|Pirate|Guide( them)?|Nurse|Nobody|Say arr|nginx|engine ex|cat|feline|kubectl"
    r"|^- `.*$|cube control|turn (one|two|three)|Hello|Ahoy|\w+[.](ogg|json|txt)"
    r"|training[.]enabled",
    re.MULTILINE,
)
"""Names and words that came from people, and stay as they are."""
OUR_OWN = {"Parley", "Discord", "CSV", "everyone", "token"}
"""Words that stay as they are in every language."""


def reader_of(town: Town, locale: str) -> Actor:
    """A member who uses Discord in this language."""
    name = "mei" if locale == "zh-TW" else "yuki"
    return town.sandbox.add_member(town.guild, name, locale=locale)


def in_own_language(text: str) -> bool:
    """Whether a sentence is Chinese or Japanese, apart from what has no translation."""
    plain = re.sub(r"<[^<>]*>|`[^`]*`", "", text)
    return bool(HAN_OR_KANA.search(plain)) and set(LATIN.findall(plain)) <= OUR_OWN


async def answer_to(town: Town, asked: Interaction, button: str) -> Message:
    """The answer, once it has the button that ends it."""
    found = await town.until(lambda: next((m for m in asked.messages if button in labels(m)), None))
    assert found is not None
    return found


@pytest.mark.parametrize("locale", ["zh-TW", "ja"])
async def test_every_command_is_offered_in_the_members_language(town: Town, locale: str) -> None:
    town.owner.user.locale = locale
    offered = town.owner.offers()
    assert len(offered) >= 35
    for offer in offered:
        assert in_own_language(offer.label), offer
        assert not offer.description or in_own_language(offer.description), offer
        for option in offer.options:
            assert in_own_language(option["name_localizations"][locale]), option
            assert in_own_language(option["description_localizations"][locale]), option
            for choice in option.get("choices", ()):
                assert in_own_language(choice["name_localizations"][locale]), choice
    assert len({offer.label for offer in offered}) == len(offered)


async def test_a_chinese_member_talks_and_is_refused_in_chinese(town: Town) -> None:
    mei = reader_of(town, "zh-TW")
    asked = await mei.command("聊天", text="你好")
    answer = await answer_to(town, asked, "重新回答")
    assert labels(answer) == ["重新回答", "朗讀"]
    assert "我記著 1 輪對話" in await told(town, mei, "記憶 顯示")

    question = await private(town, await mei.command("記憶 清除"))
    assert question.content == "要忘記我們在這裡的所有對話嗎？你的人設和設定會保留。"
    assert labels(question) == ["好，就這麼做", "不要"]
    await mei.click(question, "好，就這麼做")
    await town.until(lambda: question.content == "已忘記 1 輪對話。")

    assert await told(town, mei, "跳過") == "我現在沒有在說話。"
    town.endpoint.then(REFUSALS["rate_limit"])
    refused = await mei.command("聊天", text="在嗎？")
    assert await town.told(refused) == "太多人在問語言模型了，請一分鐘後再試。"
    menu = await mei.menu("問 Parley", answer)
    await answer_to(town, menu, "重新回答")
    refused = await town.ben.click(answer, "重新回答")
    assert await town.told(refused) == "Only the person I answered can use this button."


async def test_a_japanese_member_speaks_and_waits_in_japanese(quiet_town: Town) -> None:
    town = quiet_town
    town.set("lobby", slots=1)
    await town.start()
    await town.joined(town.amy)
    yuki = reader_of(town, "ja")
    await yuki.join_voice(town.lounge)
    waits = await told(town, yuki, "ボイス 参加")
    assert waits.startswith("ボイスの順番待ちの 1 番目です。")
    shown = await told(town, yuki, "順番")
    assert "ボイスセッション：1 枠中 1 枠使用中" in shown
    town.owner.user.locale = "ja"
    sessions = await told(town, town.owner, "モデレーション セッション一覧")
    assert "（会話中）" in sessions
    assert f"<@{yuki.id}> が待っています（1 番目）" in sessions
    await town.amy.command("voice leave")
    await town.until(lambda: any("順番が来ました" in m.content for m in _private(town, yuki)))

    form = await yuki.command("ペルソナ 作成")
    assert form.modal is not None
    assert "プロンプト：私が誰で、どう話すか" in str(form.modal)
    saved = await yuki.submit(
        form, {"名前": "先生", "プロンプト：私が誰で、どう話すか": "やさしく話す。"}
    )
    assert await town.told(saved) == "保存しました：先生。/ペルソナ 設定 で選べます。"
    missing = await told(town, yuki, "ペルソナ 設定", name="Nobody")
    assert missing == "その名前のペルソナはここにありません。"
    assert in_own_language(await told(town, yuki, "使用量"))


async def test_direct_messages_are_answered_in_the_language_of_ones_last_command(
    town: Town,
) -> None:
    mei = reader_of(town, "zh-TW")

    async def refused() -> str:
        count = len(town.said(mei.direct))
        town.endpoint.then(REFUSALS["rate_limit"])
        await mei.dm("在嗎？")
        return (await town.until(lambda: town.said(mei.direct)[count:]))[0].content

    async def noted(locale: str | None) -> None:
        file = town.settings.storage.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as store:
            query = "SELECT locale FROM preferences WHERE person_id = ?"
            await town.until(
                lambda: (store.execute(query, (mei.id,)).fetchone() or (None,))[0] == locale
            )

    english = "Too many people are asking"
    assert english in await refused()
    await told(town, mei, "記憶 顯示")
    await noted("zh-TW")
    assert await refused() == "太多人在問語言模型了，請一分鐘後再試。"
    # It is theirs: handed over, and forgotten; neither command notes it anew.
    export = await files_of(town, await mei.command("隱私 匯出"))
    held = body(export["parley-data.json"])["held"]
    assert [row["locale"] for row in held["preferences"]] == ["zh-TW"]
    question = await private(town, await mei.command("隱私 忘記"))
    await mei.click(question, "好，就這麼做")
    await noted(None)
    assert english in await refused()
    await told(town, mei, "記憶 顯示")
    await noted("zh-TW")
    mei.user.locale = "en-US"
    await told(town, mei, "memory show")
    await noted(None)


def _private(town: Town, who: Actor) -> list[Message]:
    places = (town.general, who.direct)
    return [m for place in places for m in town.sandbox.messages(place, by=town.sandbox.bot)]


@pytest.mark.parametrize("locale", ["zh-TW", "ja"])
async def test_every_command_answers_in_the_members_language(town: Town, locale: str) -> None:
    """What it says when it works, and why it does not when it is used badly."""
    await prepared(town)
    for member in (town.amy, town.owner):
        member.user.locale = locale
    foreign = {}
    for path, row in ROWS.items():
        for use in (row.use, row.wrong):
            if use is None or path in ("chat", "Ask Parley"):  # a model answers as it likes
                continue
            said = await use(town, who(town, row))
            bare = GIVEN.sub("", said)
            if said != UNSENT and LETTERS.search(bare) and not in_own_language(bare):
                foreign[path] = said
    assert foreign == {}, foreign
