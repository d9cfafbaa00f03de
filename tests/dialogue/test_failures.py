"""Each way a model fails has its own sentence; what was said before it is kept and remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialogue.ask import Finish
from dialogue.errors import (
    AnswerCut,
    AnswerStalled,
    ContentFiltered,
    ContextTooLong,
    EmptyAnswer,
    KeyRefused,
    ModelError,
    ModelMissing,
    ModelNotAllowed,
    ModelServerError,
    ModelTimeout,
    ModelUnreachable,
    ProviderQuotaSpent,
    RateLimited,
    RequestRefused,
)
from errors import ParleyError
from tests.dialogue.scene import SETTINGS, Scene, open_scene
from tests.support.endpoint import REFUSALS, Refusal, Reply
from words import Words

REFUSED: dict[str, type[ModelError]] = {
    "rate_limit": RateLimited,
    "quota": ProviderQuotaSpent,
    "filter": ContentFiltered,
    "context": ContextTooLong,
    "llama_context": ContextTooLong,
    "authentication": KeyRefused,
    "permission": ModelNotAllowed,
    "model": ModelMissing,
    "bad_request": RequestRefused,
    "server": ModelServerError,
    "overloaded": ModelServerError,
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_request(scene: Scene, name: str) -> None:
    scene.endpoint.then(replace(REFUSALS[name], message="You wrote: my secret"))
    heard = await scene.say("my secret")
    assert type(heard.error) is REFUSED[name]
    assert heard.answer.finish is Finish.FAILED
    assert "secret" not in repr(heard.error) + str(heard.error)
    assert await scene.history() == []
    assert (await scene.say("again")).text == "You said: again"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(402, None), ProviderQuotaSpent),
        (Refusal(408, None), ModelTimeout),
        (Refusal(413, None), ContextTooLong),
        (Refusal(422, None), RequestRefused),
        (Refusal(429, None), RateLimited),
        (Refusal(504, None), ModelTimeout),
        (Refusal(400, "content_policy_violation"), ContentFiltered),
        (Refusal(429, None, "insufficient_quota"), ProviderQuotaSpent),
    ],
)
async def test_endpoints_that_word_it_otherwise(
    scene: Scene, refusal: Refusal, kind: type[ModelError]
) -> None:
    scene.endpoint.then(refusal)
    assert type((await scene.say("x")).error) is kind


@pytest.fixture
async def hasty(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A scene that does not wait long."""
    model = replace(SETTINGS.model, name="m", first_s=1.0, stall_s=0.5, connect_s=0.1)
    async with open_scene(tmp_path, replace(SETTINGS, model=model)) as scene:
        yield scene


@pytest.mark.parametrize(
    ("reply", "kind", "kept"),
    [
        (Reply("half of it", ending="cut"), AnswerCut, "half of it"),
        (Reply("half of it", ending="drop"), AnswerCut, "half of it"),
        (Reply("half of it", ending="stall"), AnswerStalled, "half of it"),
        (Reply("half of it", finish="content_filter"), ContentFiltered, "half of it"),
        (Reply("", ending="cut"), ModelUnreachable, ""),
        (Reply("", ending="stall"), ModelTimeout, ""),
        (Reply("late", first_s=60), ModelTimeout, ""),
        (Reply("", finish="content_filter"), ContentFiltered, ""),
        (Reply(""), EmptyAnswer, ""),
        (Reply(" \n "), EmptyAnswer, ""),
    ],
)
async def test_a_stream_that_fails(
    hasty: Scene, reply: Reply, kind: type[ModelError], kept: str
) -> None:
    hasty.endpoint.then(reply)
    heard = await hasty.say("tell me")
    assert type(heard.error) is kind
    assert heard.text.strip() == kept
    assert await hasty.history() == ([("tell me", kept)] if kept else [])


async def test_nobody_listens(tmp_path: Path) -> None:
    model = replace(SETTINGS.model, base_url="http://127.0.0.1:9/v1")
    async with open_scene(tmp_path, replace(SETTINGS, model=model)) as scene:
        assert type((await scene.say("hello")).error) is ModelUnreachable


async def test_an_answer_at_its_length_limit_is_an_answer(scene: Scene) -> None:
    scene.endpoint.say("a long story", finish="length")
    heard = await scene.say("tell me")
    assert heard.error is None
    assert heard.answer.finish is Finish.LENGTH
    assert "length limit" in heard.footer


async def test_a_request_that_failed_at_once_is_tried_again(tmp_path: Path) -> None:
    model = replace(SETTINGS.model, retries=1)
    async with open_scene(tmp_path, replace(SETTINGS, model=model)) as scene:
        scene.endpoint.then(REFUSALS["overloaded"])
        assert (await scene.say("hello")).text == "You said: hello"
        assert len(scene.endpoint.chats) == 2


def every(kind: type[ParleyError]) -> set[type[ParleyError]]:
    return {kind}.union(*(every(each) for each in kind.__subclasses__()))


def test_every_error_has_a_sentence_of_its_own() -> None:
    kinds = [kind for kind in every(ParleyError) if kind.__module__ == "dialogue.errors"]
    assert len(kinds) > 30
    sentences = {kind.sentence for kind in kinds}
    assert len(sentences) == len(kinds)
    for kind in kinds:
        filled = dict.fromkeys(("renews", "limit", "tokens", "low", "high", "line"), "7")
        said = kind(**filled).say(Words.of("en-US"))
        assert said.endswith(".")
        assert "{" not in said
