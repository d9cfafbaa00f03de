"""The packaged voice in real workers: whole after a kill, fair to ten, quick to stop, light."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from speech.base import FRAME_S, Line, Listener, NoSuchVoice, VoiceChoice
from speech.files import collect
from speech.narrator import Manner, Narrator
from speech.settings import SpeechSettings
from speech.studio import Studio, open_studio
from speech.voices import FALLBACK, open_casting
from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from vits.io.folder import write_voice

SETTINGS = SpeechSettings()
VOICE = SETTINGS.voice
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps beside the quiet river."


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with open_studio(SETTINGS) as opened:
        await opened.warm(VOICE)
        yield opened


async def frames(studio: Studio, text: str = TEXT, **choice: object) -> list[bytes]:
    line = Line(text, VoiceChoice(**{"voice": VOICE} | choice))
    return [frame async for frame in studio.speak([line])]


async def pid_of(studio: Studio) -> int:
    return (await studio.health()).workers[0].pid


async def test_a_sentence_sounds_as_long_as_it_takes_to_say(studio: Studio) -> None:
    assert 3 < len(await frames(studio)) * FRAME_S < 9


async def test_a_killed_worker_costs_no_word_and_repeats_none(studio: Studio) -> None:
    studio._random.seed(7)
    whole = await frames(studio, TEXT * 3)
    studio._random.seed(7)
    heard: list[bytes] = []
    async for frame in studio.speak([Line(TEXT * 3, VoiceChoice(VOICE))]):
        heard.append(frame)
        if len(heard) == 150:
            os.kill(await pid_of(studio), signal.SIGKILL)
    assert heard == whole
    assert (await studio.health()).lost == 1


async def test_ten_replies_at_once_say_what_each_says_alone(studio: Studio) -> None:
    """Also when their chunks interleave in one engine; test_stage.py tells who is next."""
    texts = [f"Sentence number {number} is spoken here, at some length." for number in range(10)]
    lines = [Line(text, VoiceChoice(VOICE)) for text in texts]
    seeds = [11] * 10

    async def alone(line: Line) -> list[bytes]:
        studio._random.seed(seeds[0])
        return [frame async for frame in studio.speak([line])]

    expected = [await alone(line) for line in lines]

    async def together(number: int) -> list[bytes]:
        studio._random.seed(seeds[0])  # read before the first await of speak
        return [frame async for frame in studio.speak([lines[number]])]

    assert await asyncio.gather(*map(together, range(10))) == expected


async def test_a_cancelled_paragraph_frees_the_worker(studio: Studio) -> None:
    speaking = studio.speak([Line(TEXT * 40, VoiceChoice(VOICE))])
    await anext(speaking)
    await speaking.aclose()
    assert (await studio.health()).workers[0].jobs == 0
    assert await frames(studio, "Next.")


async def test_speed_and_pitch(studio: Studio) -> None:
    plain = len(await frames(studio))
    fast = len(await frames(studio, speed=1.5))
    high = len(await frames(studio, pitch=1.2))
    assert fast == pytest.approx(plain / 1.5, rel=0.25)
    assert high == pytest.approx(plain, rel=0.25)
    for extreme in ({"speed": 1e9}, {"speed": 1e-9}, {"pitch": 1.9, "speed": 0.3}):
        assert await frames(studio, "Hi.", **extreme)


async def test_a_speaker_that_a_voice_does_not_have(studio: Studio) -> None:
    with pytest.raises(NoSuchVoice) as failed:
        await frames(studio, speaker="nobody")
    assert failed.value.details == {"voice": f"{VOICE}/nobody"}


async def test_a_voice_that_was_trained_anew_speaks_without_a_restart(tmp_path: Path) -> None:
    async def say(studio: Studio) -> list[bytes]:
        studio._random.seed(7)
        return await frames(studio, "abcdefgh" * 9, voice="mine")

    def train(seed: int) -> None:
        write_voice(tmp_path / "mine", tiny_config(PLAIN, "mine"), tiny_tensors(PLAIN, seed))

    train(1)
    async with open_studio(SpeechSettings(voices=(tmp_path,), workers=1)) as studio:
        before = await say(studio)
        assert await say(studio) == before
        train(2)
        after = await say(studio)
        assert after
        assert after != before
        shutil.rmtree(tmp_path / "mine")
        assert await say(studio) == after


@pytest.mark.parametrize("name", ["", "..", "../../etc", "/etc/passwd", "nobody", "a" * 300, "\0"])
async def test_names_are_never_paths(studio: Studio, name: str) -> None:
    with pytest.raises(NoSuchVoice):
        await frames(studio, "Hi.", voice=name)


FOREIGN = [
    ("ja", "こんにちは。"),
    ("zh-TW", "今天天氣很好。"),
    ("fr", "Bonjour à tous."),
    ("xx", "Hm."),
]


@pytest.mark.parametrize("language,text", FOREIGN)
async def test_a_language_without_a_voice_is_spoken_all_the_same(
    studio: Studio, language: str, text: str
) -> None:
    assert len(await frames(studio, text, voice=FALLBACK, language=language)) * FRAME_S > 0.2


async def test_hostile_text_is_spoken_or_passed_over(studio: Studio) -> None:
    for text in (
        "",
        " ",
        "🎉",
        "\ud800",
        "\0\x1b[31m",
        "é" * 500,
        "x" * 3_000,
        "٣ \u202eabc",
        "。。。",
    ):
        await frames(studio, text)
    assert (await studio.health()).lost == 0
    assert await frames(studio, "Still here.")


async def test_a_whole_reply_in_two_languages_becomes_one_file(studio: Studio) -> None:
    casting = await open_casting(SETTINGS)
    narrator = Narrator(studio, casting, SETTINGS)
    manner = Manner(VoiceChoice(VOICE), Listener("zh-TW"))
    audio = await collect(narrator.say("我喜歡 **Python 3.11**。See https://python.org!", manner))
    assert audio
    assert audio.report.complete
    assert 2 < audio.duration_s < 12
    assert audio.data.startswith(b"OggS")


async def test_a_worker_is_light_and_knows_no_torch(studio: Studio) -> None:
    await frames(studio)
    worker = psutil.Process(await pid_of(studio))
    libraries = [each.path for each in worker.memory_maps()]
    assert not [path for path in libraries if "torch" in path or "/sqlalchemy/" in path]
    assert worker.memory_info().rss < 250 << 20
    assert worker.nice() == SETTINGS.nice


def test_the_bots_side_loads_no_engine() -> None:
    code = (
        "import sys, speech.narrator, speech.player, speech.playback, speech.files, speech.studio,"
        " speech.voices, speech.sentences, speech.queue\n"
        "heavy = {'torch', 'torchaudio', 'onnxruntime', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
