"""Text becomes sound while it is being written; it never waits, and stops when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from speech.base import FRAME_S, Listener, Names, NoSuchVoice, SpeechFailed, VoiceChoice
from speech.dictionary import Dictionary
from speech.files import collect
from speech.languages import Casting, Tongue
from speech.narrator import Manner, Narrator, Spoken
from speech.settings import SpeechSettings
from tests.speech.fakes import LETTER_FRAMES, FakeStudio, until

CAST = Casting([Tongue("joe", ("en-US",)), Tongue("mei", ("zh-TW",))], fallback="espeak")
SETTINGS = SpeechSettings(late_s=0.05)
MANNER = Manner(VoiceChoice("joe"))


def narrator(studio: FakeStudio, settings: SpeechSettings = SETTINGS) -> Narrator:
    return Narrator(studio, CAST, settings)


async def drain(spoken: Spoken) -> int:
    return len([frame async for frame in spoken.frames])


async def test_the_first_sentence_is_spoken_while_the_next_is_being_written() -> None:
    studio = FakeStudio()
    spoken = narrator(studio).begin(MANNER)
    spoken.feed("Hello there. How")
    await spoken.ready.wait()
    assert studio.said == ["Hello there."]
    assert spoken.frames.waiting
    spoken.feed(" are you?")
    spoken.end()
    frames = await drain(spoken)
    report = await spoken.done()
    assert studio.said == ["Hello there.", "How are you?"]
    assert report.complete
    assert report.sentences == 2
    assert report.seconds == pytest.approx(frames * FRAME_S)


async def test_what_is_spoken_is_speakable_in_the_listeners_words() -> None:
    studio = FakeStudio()
    listener = Listener("en", Names(members={111111111111111111: "Ann"}))
    entries = Dictionary(user={"Parley": "par lay"})
    text = "Hi <@111111111111111111>, Parley costs $2.\n```py\nx\n```\nBye 🎉"
    spoken = narrator(studio).say(text, Manner(VoiceChoice("joe"), listener, entries))
    await drain(spoken)
    assert studio.said == ["Hi Ann, par lay costs two dollars.", "code block", "Bye"]


async def test_each_language_has_its_voice() -> None:
    studio = FakeStudio()
    spoken = narrator(studio).say(
        "我說 hello 안녕。", Manner(VoiceChoice("mei"), Listener("zh-TW"))
    )
    await drain(spoken)
    assert [line.choice.voice for line in studio.lines] == ["mei", "joe", "espeak"]
    assert [line.pause_s for line in studio.lines] == [0, 0, SETTINGS.pause_s]


async def test_feeding_never_waits_for_a_full_buffer() -> None:
    studio = FakeStudio()
    spoken = narrator(studio, replace(SETTINGS, buffer_s=1)).begin(MANNER)
    for _ in range(50):
        spoken.feed("A sentence of some length. ")
    spoken.end()
    await spoken.ready.wait()
    assert spoken.frames.waiting <= 50
    assert len(studio.said) < 5  # the rest waits for the listener
    assert await drain(spoken) == sum(len(text) for text in studio.said) * LETTER_FRAMES
    assert len(studio.said) == 50


async def test_emoji_alone_are_named_and_otherwise_left_out() -> None:
    studio = FakeStudio()
    await drain(narrator(studio).say("👍", MANNER))
    await drain(narrator(studio).say("Good. 👍", MANNER))
    assert studio.said == ["thumbs up", "Good."]


async def test_nothing_to_say_ends_at_once() -> None:
    studio = FakeStudio()
    for text in ("", "   ", "...", "\n\n"):
        spoken = narrator(studio).say(text, MANNER)
        assert await drain(spoken) == 0
        assert (await spoken.done()).complete
        assert spoken.ready.is_set()
        assert await collect(spoken) is None


async def test_cancelling_stops_everything_from_the_left() -> None:
    studio = FakeStudio()
    left = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        try:
            while True:
                yield "One more sentence. "
                await asyncio.sleep(0)
        finally:
            left.set()

    spoken = narrator(studio, replace(SETTINGS, buffer_s=1)).narrate(pieces(), MANNER)
    await until(lambda: spoken.frames.waiting == 50)
    spoken.cancel()
    report = await spoken.done()
    await left.wait()
    assert not report.complete
    assert await drain(spoken) == 0
    assert studio.closed == 1


async def test_an_error_of_the_writer_keeps_what_was_said() -> None:
    studio = FakeStudio()

    async def pieces() -> AsyncIterator[str]:
        yield "It begins well. Then"
        raise ConnectionError("secret words")

    spoken = narrator(studio).narrate(pieces(), MANNER)
    await drain(spoken)
    assert studio.said == ["It begins well.", "Then"]


async def test_sound_that_is_late_is_known_to_be() -> None:
    studio = FakeStudio()
    studio.hold.clear()
    spoken = narrator(studio).say("Hello there.", MANNER)
    assert await spoken.late()
    assert await spoken.late(whole=True)
    studio.hold.set()
    await spoken.ready.wait()
    assert not await spoken.late()
    await drain(spoken)
    assert not await spoken.late(whole=True)


async def test_sound_before_the_text_ends_is_not_late() -> None:
    spoken = narrator(FakeStudio()).begin(MANNER)
    spoken.feed("Hello there. And")
    assert not await spoken.late()
    spoken.cancel()
    assert not await spoken.late(whole=True)


async def test_a_sentence_that_fails_does_not_take_the_rest_with_it() -> None:
    studio = FakeStudio()
    spoken = narrator(studio).say("One is fine. Two is broken now. Three is fine.", MANNER)
    await drain(spoken)
    report = await spoken.done()
    assert len(studio.said) == 3
    assert report.sentences == 2
    assert not report.complete
    assert isinstance(report.failure, SpeechFailed)


async def test_a_studio_that_always_fails_is_left_in_peace() -> None:
    studio = FakeStudio()
    spoken = narrator(studio).say("One broken. " * 20, MANNER)
    await drain(spoken)
    assert isinstance((await spoken.done()).failure, SpeechFailed)
    assert len(studio.said) == 3


async def test_an_unknown_voice_is_reported() -> None:
    casting = Casting([Tongue("nobody", ("en",))], fallback="espeak")
    spoken = Narrator(FakeStudio(), casting, SETTINGS).say("Hi. Ho.", Manner(VoiceChoice("nobody")))
    await drain(spoken)
    assert isinstance((await spoken.done()).failure, NoSuchVoice)


async def test_a_reply_has_a_longest_length() -> None:
    studio = FakeStudio()
    spoken = narrator(studio, replace(SETTINGS, reply_max_s=2)).say(
        "A sentence here. " * 30, MANNER
    )
    frames = await drain(spoken)
    assert 2 <= frames * FRAME_S < 3
    assert not (await spoken.done()).complete


async def test_running_dry_between_sentences_is_no_fault_of_the_studio() -> None:
    spoken = narrator(FakeStudio()).begin(MANNER)
    spoken.feed("Hello there. And")
    await spoken.ready.wait()
    await until(lambda: spoken.frames.resting)
    spoken.feed(" then.")
    spoken.end()
    await drain(spoken)
    assert not spoken.frames.resting
