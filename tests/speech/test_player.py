"""One reply after another, none overlapped, none dropped, silenced when asked."""

from __future__ import annotations

import pytest

from speech.base import NothingToSkip, NotYours, TooManyWaiting, VoiceChoice
from speech.languages import Casting, Tongue
from speech.narrator import Manner, Narrator, Spoken
from speech.player import Player
from speech.settings import SpeechSettings
from tests.speech.fakes import FakeOutlet, FakeStudio, letters, until

SETTINGS = SpeechSettings(queue_person=2)
CAST = Casting([Tongue("joe", ("en",))], fallback="espeak")
MANNER = Manner(VoiceChoice("joe"))
ANN, BOB = 1, 2


def say(text: str, studio: FakeStudio | None = None) -> Spoken:
    return Narrator(studio or FakeStudio(), CAST, SETTINGS).say(text, MANNER)


async def idle(player: Player, outlet: FakeOutlet, replies: int) -> None:
    await until(lambda: len(outlet.played) >= replies and not player.view().speaking)


async def test_replies_follow_each_other_in_turns() -> None:
    outlet = FakeOutlet()
    player = Player(outlet, SETTINGS)
    for person, count in ((ANN, 10), (ANN, 20), (BOB, 30)):
        player.add(person, say(letters(count)))
    await idle(player, outlet, 3)
    assert outlet.played == [20, 60, 40]
    assert outlet.most == 1
    await player.close()


async def test_a_reply_that_is_still_being_written_is_played_to_its_end() -> None:
    outlet = FakeOutlet()
    player = Player(outlet, SETTINGS)
    spoken = Narrator(FakeStudio(), CAST, SETTINGS).begin(MANNER)
    player.add(ANN, spoken)
    spoken.feed("Hello. And")
    await until(lambda: outlet.playing)
    spoken.feed(" more.")
    spoken.end()
    await idle(player, outlet, 1)
    assert outlet.played == [len("Hello.And more.") * 2]
    await player.close()


async def test_skip_silences_the_current_reply_and_the_next_begins() -> None:
    outlet = FakeOutlet(ticking=True)
    player = Player(outlet, SETTINGS)
    with pytest.raises(NothingToSkip):
        player.skip(ANN)
    player.add(ANN, say(letters(100)))
    player.add(BOB, say(letters(5)))
    outlet.tick(3)
    await until(lambda: outlet.played == [3])
    with pytest.raises(NotYours):
        player.skip(BOB)
    player.skip(ANN)
    outlet.tick(100)
    await idle(player, outlet, 2)
    assert outlet.played == [3, 10]
    await player.close()


async def test_stop_takes_ones_own_and_a_moderator_takes_all() -> None:
    outlet = FakeOutlet(ticking=True)
    player = Player(outlet, SETTINGS)
    for person in (ANN, ANN, BOB):
        player.add(person, say(letters(100)))
    await until(lambda: outlet.playing)
    assert player.stop(ANN) == 2
    outlet.tick()
    await until(lambda: player.view().speaking == BOB)
    assert player.stop(ANN, everyone=True) == 1
    outlet.tick()
    await idle(player, outlet, 2)
    assert sum(outlet.played) == 0
    await player.close()


async def test_too_many_are_refused_and_the_others_are_not_dropped() -> None:
    studio, outlet = FakeStudio(), FakeOutlet()
    studio.hold.clear()
    player = Player(outlet, SETTINGS)
    player.add(ANN, say("one", studio))
    player.add(ANN, say("two", studio))
    third = say("three", studio)
    with pytest.raises(TooManyWaiting):
        player.add(ANN, third)
    third.cancel()
    studio.hold.set()
    await idle(player, outlet, 2)
    assert outlet.played == [6, 6]
    await player.close()


async def test_a_slow_reply_holds_up_nobody() -> None:
    slow, outlet = FakeStudio(), FakeOutlet()
    slow.hold.clear()
    player = Player(outlet, SETTINGS)
    player.add(ANN, say("slow", slow))
    player.add(BOB, say("quick"))
    await idle(player, outlet, 1)
    slow.hold.set()
    await idle(player, outlet, 2)
    assert outlet.played == [10, 8]
    await player.close()


async def test_an_outlet_that_fails_loses_one_reply_and_not_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(FakeOutlet):
        async def play(self, frames: object) -> None:
            if not self.played:
                self.played.append(-1)
                raise OSError("no such socket")
            await super().play(frames)  # type: ignore[arg-type]

    outlet = Broken()
    player = Player(outlet, SETTINGS)
    player.add(ANN, say(letters(2)))
    player.add(BOB, say(letters(3)))
    await idle(player, outlet, 2)
    assert outlet.played == [-1, 6]
    assert "OSError" in caplog.text
    await player.close()


async def test_closing_silences_what_plays_and_what_waits() -> None:
    outlet = FakeOutlet(ticking=True)
    player = Player(outlet, SETTINGS)
    spoken = [say(letters(50)), say(letters(50))]
    for person, each in zip((ANN, BOB), spoken, strict=True):
        player.add(person, each)
    await until(lambda: outlet.playing)
    await player.close()
    assert outlet.playing == 0
    assert all(each.frames.over for each in spoken)
