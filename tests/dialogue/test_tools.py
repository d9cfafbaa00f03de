"""Tools: off by default, bounded, and with nothing in reach but their own arguments."""

from __future__ import annotations

import inspect

import pytest

from dialogue.errors import TooManyCalls
from dialogue.tools import CALLS_MOST, TOOLS, roll_dice, time_in_zone
from storage.records import GuildSettings
from tests.dialogue.scene import CLUB, HALL, Scene
from tests.support.endpoint import Reply

MODERATOR = 9009


async def with_tools(scene: Scene) -> None:
    await scene.dialogue.moderators.save_settings(GuildSettings(CLUB, tools=True), MODERATOR)


async def test_tools_are_off_unless_a_server_turns_them_on(scene: Scene) -> None:
    await scene.say("roll a die")
    assert "tools" not in scene.endpoint.chats[-1].body
    await with_tools(scene)
    await scene.say("roll a die")
    names = {tool["function"]["name"] for tool in scene.endpoint.chats[-1].body["tools"]}
    assert names == {"time_in_zone", "roll_dice"}
    for guild in (HALL, 0):
        await scene.say("roll a die", guild=guild)
        assert "tools" not in scene.endpoint.chats[-1].body


async def test_what_a_tool_returned_is_part_of_the_answer(scene: Scene) -> None:
    await with_tools(scene)
    scene.endpoint.then(
        Reply("Let me roll.", tools=(("roll_dice", {"dice": "3d2"}),)),
        Reply("There you are.", usage=(40, 4)),
    )
    heard = await scene.say("roll")
    assert heard.text == "Let me roll.\n\nThere you are."
    last = scene.sent[-1]
    assert last["role"] == "tool"
    assert "rolled" in last["content"]
    assert heard.answer.usage is not None
    assert heard.answer.usage.tokens_in == 7 + 40
    assert await scene.history() == [("roll", heard.text)]


async def test_calls_are_limited(scene: Scene) -> None:
    await with_tools(scene)
    scene.endpoint.otherwise = lambda _: Reply("again", tools=(("roll_dice", {"dice": "d6"}),))
    heard = await scene.say("roll for ever")
    assert isinstance(heard.error, TooManyCalls)
    assert len(scene.endpoint.chats) <= CALLS_MOST + 1


@pytest.mark.parametrize(
    "call",
    [
        ("roll_dice", {"dice": "1000000d1000000"}),
        ("roll_dice", {"dice": "__import__('os')"}),
        ("roll_dice", {"sides": 6}),
        ("time_in_zone", {"zone": "../../../etc/passwd"}),
        ("time_in_zone", {"zone": "/etc/localtime"}),
        ("read_memory", {"person_id": 1002}),
        ("roll_dice", {"dice": "d6", "person_id": 1002}),
    ],
)
async def test_a_bad_call_is_told_to_the_model_not_to_the_person(
    scene: Scene, call: tuple[str, dict[str, object]]
) -> None:
    await with_tools(scene)
    scene.endpoint.then(Reply("", tools=(call,)), Reply("That did not work."))
    heard = await scene.say("do it")
    assert heard.error is None
    assert heard.text == "That did not work."
    assert "root:" not in str(scene.sent)


def test_no_tool_takes_anything_but_what_the_model_chose() -> None:
    for tool in TOOLS:
        assert set(tool.args) <= {"zone", "dice"}
        kinds = {parameter.annotation for parameter in _parameters(tool)}
        assert kinds == {"str"} or kinds == {str}


def _parameters(tool: object) -> list[inspect.Parameter]:
    return list(inspect.signature(tool.func).parameters.values())  # type: ignore[attr-defined]


def test_time_and_dice() -> None:
    assert "UTC+0800" in time_in_zone.invoke({"zone": "Asia/Taipei"})
    assert "no such" in time_in_zone.invoke({"zone": "Mars/Olympus"})
    assert roll_dice.invoke({"dice": "3d2+10"})[:2] in {"13", "14", "15", "16"}
    for bad in ("0d6", "101d6", "1d1", "d1001", "dice", ""):
        assert "dice" in roll_dice.invoke({"dice": bad})
