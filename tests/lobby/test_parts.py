"""Small parts: effects as JSON, estimates, settings, sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobby import errors
from lobby.codec import decode, encode, person
from lobby.records import Connect, Disconnect, Move, Notice, NoticeKind, Silence, Tell, Why
from lobby.settings import LobbySettings
from words import Words

ids = st.integers(0, 2**63 - 1)
notices = st.builds(
    Notice,
    kind=st.sampled_from(NoticeKind),
    person_id=ids,
    guild_id=ids,
    channel_id=ids,
    text_channel_id=ids,
    locale=st.sampled_from(["en-US", "zh-TW", "ja"]),
    seconds=st.floats(0, 1e6),
    why=st.none() | st.sampled_from(Why),
    other_id=ids,
)
effects = st.one_of(
    st.builds(Connect, ids, ids),
    st.builds(Move, ids, ids),
    st.builds(Disconnect, ids),
    st.builds(Silence, ids, ids),
    st.builds(Tell, notices, st.booleans()),
)


@given(effect=effects)
def test_an_effect_survives_the_way_to_another_process(
    effect: Connect | Move | Disconnect | Silence | Tell,
) -> None:
    again = decode(encode(effect))
    assert again == effect
    assert type(again) is type(effect)
    assert person(again) in (0, getattr(effect, "person_id", 0)) or isinstance(effect, Tell)


@pytest.mark.parametrize("body", ["", "{}", '["Launch", {}]', '["Connect", {"guild_id": 1}]'])
def test_what_is_no_effect_is_refused(body: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(body)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"warning_s": 300.0}, "warning_s"),
        ({"lease_s": 20.0}, "lease_s"),
    ],
)
def test_settings_that_contradict_each_other_say_so(
    settings: dict[str, float], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        LobbySettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        errors.AlreadySpeaking(1, 2),
        errors.LineFull(),
        errors.NoSession(),
        errors.TurnEnded(),
        errors.StillWaiting(position=3),
        errors.TurnHasCome(),
        errors.NotInChannel(channel_id=2),
        errors.OtherServer(channel_id=2),
        errors.MutedHere(),
        errors.ChannelBusy(channel_id=2),
        errors.ServerFull(),
        errors.LobbyAway(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_refusal_has_a_sentence_without_holes(error: errors.LobbyError) -> None:
    sentence = error.say(Words.of("en-US"))
    assert sentence
    assert "{" not in sentence
