"""``/voice train``: from recordings in a form to a voice that speaks, and all that can go wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sandbox.actor import File
from sandbox.records import Interaction, Message
from speech.base import Line
from tests.stories.community import lines as lines  # a fixture
from tests.stories.community import private, told
from tests.stories.test_sounds import heard
from tests.stories.town import Town, labels
from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from vits.config import VoiceConfig
from vits.io.folder import write_voice
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.speaking import open_synthesizer

RATE_HZ = 22_050
PATIENCE_S = 240.0
"""Judges and PyTorch take seconds to load; a machine that is busy with other tests, more."""
ADA = "ada"
BASE = "base"
SENTENCES = (
    "The boat left the harbour before the sun came up.",
    "Nobody on the shore could see how far it went.",
    "In the evening it came back with a cargo of apples.",
)
NASTY = '../../\u8001\u5e2b "; rm -rf ~ #.wav'


@pytest.fixture(scope="module")
def recordings() -> dict[str, np.ndarray]:
    """A few sentences by the packaged voice, with silence around them."""
    voice = open_synthesizer(prepare(DEFAULT_VOICE), threads=1)
    pause = np.zeros(int(0.9 * RATE_HZ), np.float32)
    hiss = np.random.default_rng(0)
    said = {}
    for text in SENTENCES:
        sound = np.concatenate([pause, *voice.speak(text), pause])
        said[text] = sound + (hiss.standard_normal(len(sound)) * 1e-4).astype(np.float32)
    return said


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV")
    return file.getvalue()


@pytest.fixture(scope="module")
def given(recordings: dict[str, np.ndarray]) -> list[File]:
    """One recording by itself, the others in a zip with their transcripts."""
    first, *rest = SENTENCES
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        for number, text in enumerate(rest):
            archive.writestr(f"../../evil {number}.wav", wav(recordings[text]))
            archive.writestr(f"../../evil {number}.txt", text)
    return [File(NASTY, wav(recordings[first])), File("more.zip", bundle.getvalue())]


@pytest.fixture
def harbour(quiet_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A town with voices to begin from, and trainings of seconds. Not switched on yet."""
    monkeypatch.setattr("speech.training.WORK", "tests.stories.miniature")
    write_voice(tmp_path / "shelf" / BASE, tiny_config(PLAIN, BASE), tiny_tensors(PLAIN))
    prepare(DEFAULT_VOICE, tmp_path / "shelf")
    quiet_town.set("speech", voices=(tmp_path / "shelf",))
    quiet_town.set(
        "training",
        enabled=True,
        folder=tmp_path / "training",
        least_s=2.0,
        sentences=2,
        threads=1,
        edit_gap_s=0.2,
    )
    yield quiet_town


def filled(files: list[File], **values: str) -> dict[str, Any]:
    form = {
        "Recordings": files,
        "Name of the voice": ADA,
        "Language spoken": "English",
        "Who agreed to be imitated, and how": "Ada Byron, by mail on 1 May",
        "Licence of the voice": "CC0-1.0",
    }
    return form | values


async def asked(town: Town, files: list[File], /, **values: str) -> Interaction:
    """The owner fills in the form of ``/voice train start``."""
    form = await town.owner.command("voice train start", base=BASE)
    return await town.owner.submit(form, filled(files, **values))


def left(tmp_path: Path) -> list[str]:
    """What is left of trainings."""
    folder = tmp_path / "training"
    return [path.name for path in folder.glob("*") if path.name != "cache"]


def news(town: Town) -> list[str]:
    """Every version of the message that tells how far it is."""
    return [
        version.content
        for message in town.sandbox.messages(town.general, by=town.sandbox.bot)
        for version in message.versions
        if "Training the voice" in version.content
    ]


def failures(form: Interaction) -> list[Message]:
    """What was told privately of a training that came to nothing."""
    return [m for m in form.messages if "was not made" in m.content]


async def test_a_voice_is_made_from_recordings_and_outlives_a_restart_on_its_way(
    harbour: Town, tmp_path: Path, given: list[File], lines: list[Line]
) -> None:
    town, owner = harbour, harbour.owner
    await town.start()
    role = town.sandbox.add_role(town.guild, "Family")
    owner.moderate.give_role(town.guild, town.amy, role)
    form = await owner.command("voice train start", role=role)
    begun = await owner.submit(form, filled(given))
    assert "has begun" in await town.told(begun)
    (working,) = left(tmp_path)
    stored = sorted(
        path.name for path in (tmp_path / "training" / working / "recordings").iterdir()
    )
    assert stored == ["000.wav", "001.zip"]
    refused = await told(town, owner, "voice train start", base=BASE)
    assert "One at a time" in refused
    await town.until(lambda: any("Step 1 of 4" in text for text in news(town)))
    assert "Step" in await told(town, owner, "voice train status")
    await town.restart()
    done = await town.until(lambda: [m for m in town.said() if "is ready" in m.content], PATIENCE_S)
    assert "Recordings:" in done[0].content and "to learn from" in done[0].content
    assert done[0].attachments[0].data.startswith(b"OggS")
    assert "Likeness" in done[0].content and "misheard words" in done[0].content
    assert "Step 3 of 4: learning the voice" in town.sandbox.transcript()
    assert not [m for m in town.said() if "Cancel" in labels(m)]

    config = VoiceConfig.read(tmp_path / "shelf" / ADA)
    assert config.licence == "CC0-1.0"
    assert "Ada Byron, by mail on 1 May" in config.source
    assert (config.rate_hz, config.languages) == (RATE_HZ, ("en-US",))
    await town.until(lambda: not left(tmp_path))
    assert await town.house.database.trainings.list() == ()
    assert ADA in (await private(town, await town.amy.command("voice list"))).content
    assert "only for certain roles" in await told(town, town.ben, "voice set", voice=ADA)
    assert f"{ADA} speaks to you" in await told(town, town.amy, "voice set", voice=ADA)
    (line,) = await heard(town, lines, "A cab.")
    assert line.choice.voice == ADA
    taken = await asked(town, given)
    assert "a voice called ada already" in await town.told(taken)


async def test_a_training_is_cancelled_by_its_button_and_by_the_command(
    harbour: Town, tmp_path: Path, given: list[File], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, owner, scratch = harbour, harbour.owner, tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))  # of the work, which is a process of its own
    await town.start()
    for by_button in (True, False):
        await asked(town, given)
        message = await town.until(
            lambda: next((m for m in town.said() if "Cancel" in labels(m)), None)
        )
        if by_button:
            # One recording of three is listened to, and the zip unpacked.
            await town.until(lambda: any("33 %" in text for text in news(town)), PATIENCE_S)
            pressed = await town.amy.click(message, "Cancel")
            assert "Only whoever runs me" in await town.told(pressed)
            assert "Only whoever runs me" in await told(town, town.amy, "voice train cancel")
            cancelled = await town.told(await owner.click(message, "Cancel"))
        else:
            cancelled = await told(town, owner, "voice train cancel")
        assert "Nothing of it was kept" in cancelled
        assert left(tmp_path) == []
        # onnxruntime notes there when it was started, and nothing else.
        assert {path.name for path in scratch.iterdir()} <= {".ses"}
        assert not message.components
        assert "cancelled" in message.content
    assert "No voice is being trained" in await told(town, owner, "voice train cancel")
    assert not (tmp_path / "shelf" / ADA).exists()


async def test_bad_recordings_are_told_of_privately_and_leave_nothing(
    harbour: Town, tmp_path: Path, recordings: dict[str, np.ndarray]
) -> None:
    town = harbour
    town.set("training", most_bytes=4_000_000)
    await town.start()
    speech = wav(next(iter(recordings.values())))
    at_once: list[tuple[list[File], dict[str, str], str]] = [
        ([File("notes.pdf", b"%PDF")], {}, "neither a recording"),
        ([File("words.txt", b"only words")], {}, "neither a recording"),
        ([File("large.wav", bytes(4_100_000))], {}, "at most 3 MB"),
        ([File("a.wav", speech)], {"Name of the voice": "../ada"}, "1 to 64 letters"),
        ([File("a.wav", speech)], {"Name of the voice": BASE}, "called base already"),
        ([File("a.wav", speech)], {"Language spoken": "Deutsch"}, "no voice that speaks"),
        ([File("a.wav", speech)], {"Licence of the voice": " "}, "Say who agreed"),
    ]
    for files, values, expected in at_once:
        assert expected in await town.told(await asked(town, files, **values))
        assert left(tmp_path) == []
    tone = 0.3 * np.sin(np.arange(3 * RATE_HZ) * 0.1)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(5_000_000))
    broken = File("broken.mp3", b"ID3" + bytes(2000))
    silent = File("silent.wav", wav(np.zeros(2 * RATE_HZ)))
    later = [
        ([broken, silent, File("tone.wav", wav(tone))], "no sound could be read from it; nobody"),
        ([File("short.wav", speech)], "too little usable speech"),
        ([File("bomb.zip", bomb.getvalue())], "too large"),
    ]
    for files, expected in later:
        form = await asked(town, files)
        (told_of,) = await town.until(lambda form=form: failures(form), PATIENCE_S)  # type: ignore[misc]
        assert told_of.ephemeral
        assert expected in told_of.content
        await town.until(lambda: not left(tmp_path) and not town.said())
    assert await town.house.database.trainings.list() == ()


async def test_training_is_the_owners_switched_off_and_needs_pytorch(
    harbour: Town, given: list[File], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = harbour
    monkeypatch.setattr("speech.training.NEEDED", ("torch", "no_such_package"))
    await town.start()
    assert "Only whoever runs me" in await told(town, town.amy, "voice train start")
    assert "make train" in await told(town, town.owner, "voice train start")
    await town.stop()
    town.set("training", enabled=False)
    await town.start()
    assert "switched off" in await told(town, town.owner, "voice train start")


async def test_a_process_that_never_lives_is_told_as_a_fault(
    harbour: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[File]
) -> None:
    town = harbour
    monkeypatch.setattr("speech.training.WORK", "tests.stories.no_such_module")
    await town.start()
    form = await asked(town, given)
    (told_of,) = await town.until(lambda: failures(form), PATIENCE_S)
    assert "wrong on my side" in told_of.content
    await town.until(lambda: not left(tmp_path))
