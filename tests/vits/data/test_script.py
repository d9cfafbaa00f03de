"""The words of a long recording's transcript, shared out among its cuts."""

from __future__ import annotations

import pytest

from vits.data.script import MARKS, Script
from vits.judge.whisper import error_rate


def test_a_long_recordings_transcript_is_shared_out_among_its_cuts() -> None:
    script = Script(
        "It was the best of times, it was the worst of times. It was the age of wisdom."
    )
    assert script.match("it was the best of time") == "It was the best of times,"
    assert script.match("it was the worse of times") == "it was the worst of times."
    assert script.match("it was the age of wisdom") == "It was the age of wisdom."
    assert script.match("completely different words") == ""


@pytest.mark.parametrize(
    ("text", "heard", "expected"),
    [
        (
            # As Whisper writes it: in simplified characters, without marks, some misheard.
            "船在日出之前離開了港口。 岸上沒有人看得見它走了多遠，「連燈塔也不行。」",
            ["船在日出之前离开了港扣", "岸上没有人看得见他走了多远", "连灯塔也不行"],
            [
                "船在日出之前離開了港口。",
                "岸上沒有人看得見它走了多遠，",
                "「連燈塔也不行。」",
            ],
        ),
        (
            "船は日の出前に港を出た。岸からは、誰にも見えなかった。",
            ["船は日の出前に港を出た", "岸からはだれにも見えなかった"],
            ["船は日の出前に港を出た。", "岸からは、誰にも見えなかった。"],
        ),
        (
            "我們用 Python 3 寫程式，but not today。明天 e-mail 給我。",
            ["我们用python3写程式", "but not today", "明天email给我"],
            ["我們用 Python 3 寫程式，", "but not today。", "明天 e-mail 給我。"],
        ),
        (
            'He said: "Go home." (Nobody went.) The end',
            ["he said go home", "nobody went", "the end"],
            ['He said: "Go home."', "(Nobody went.)", "The end"],
        ),
    ],
)
def test_each_writing_is_cut_at_its_own_words(
    text: str, heard: list[str], expected: list[str]
) -> None:
    script = Script(text)
    assert [script.match(each) for each in heard] == expected


def test_after_cuts_that_were_left_out_the_script_is_found_again() -> None:
    sentences = [
        f"{a} {b} {c} at number {a}{b}."
        for a in ("red", "green", "blue", "white", "black")
        for b in ("houses", "boats", "horses", "apples")
        for c in ("stand", "wait", "shine")
    ]
    script = Script(" ".join(sentences))
    assert script.match(sentences[0], 0, 4) == sentences[0]
    # Forty cuts were too noisy to be heard at all: 240 words.
    assert script.match(sentences[41], 164, 168) == sentences[41]
    refrain = Script("One two three. Four five six. One two three. Seven eight.")
    heard = ["one two tree", "four five six", "one two three", "seven eight"]
    assert " ".join(map(refrain.match, heard)) == (
        "One two three. Four five six. One two three. Seven eight."
    )


def test_a_language_mark_is_never_parted_from_its_pair() -> None:
    script = Script("[ZH]你好嗎？我很好。[ZH][EN]Thank you. Good night.[EN] fine [ZH]再見[ZH]")
    cuts = ["你好吗", "我很好 thank you", "good night fine", "再见"]
    assert [script.match(cut) for cut in cuts] == [
        "[ZH]你好嗎？[ZH]",
        "[ZH]我很好。[ZH][EN]Thank you.[EN]",
        "[EN]Good night.[EN] fine",
        "[ZH]再見[ZH]",
    ]
    stray = Script("[ZH]你好 [EN]hello there[EN] 再見[JA]")
    assert MARKS.sub("", stray.match("你好 hello there")) == "你好 hello there"


def test_a_hostile_transcript_takes_no_time_that_grows_with_its_square() -> None:
    script = Script("[ZH]" * 20_000 + "a." * 50_000 + "好" * 20_000)
    assert script.match("nothing of that", 0, 3) == ""


def test_both_forms_of_chinese_are_the_same_words() -> None:
    assert error_rate("臺灣的發展", "台湾的发展") == (0, 5)
    assert error_rate("hello我", "hello 我") == (0, 2)
