"""What is attached to a training: names of our own, limits, and what is swept away."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.access import Hearer, barred, may_use
from speech.settings import SpeechSettings
from speech.training import (
    NoRecording,
    NoSpace,
    RecordingsTooLarge,
    TrainingOff,
    TrainingSettings,
    Workshop,
    own_names,
)
from storage.records import VoiceRoles
from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from vits.config import VoiceConfig
from vits.io.folder import write_voice
from vits.studio.orders import RECORDINGS, Heard, Order, Progress, read_order, write_order

FULL_DISK = Path("/dev/full").exists()
OWN = re.compile(r"[0-9]{3}\.[a-z0-9]{2,4}")
STEMS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(STEMS, st.sampled_from(["wav", "ZIP", "Mp3", "txt"])), max_size=10))
def test_no_part_of_an_attachments_name_becomes_a_path(named: list[tuple[str, str]]) -> None:
    names = [f"{stem}.{ending}" for stem, ending in named]
    if all(ending == "txt" for _, ending in named):
        with pytest.raises(NoRecording):
            own_names(names)
        return
    own = own_names(names)
    assert len(set(own)) == len(own) == len(names)
    assert all(OWN.fullmatch(each) for each in own)


def test_a_transcript_stays_beside_its_recording() -> None:
    given = ["b.wav", "../a.flac", "b.txt", "b.wav"]
    assert own_names(given) == ["000.wav", "001.flac", "000.txt", "003.wav"]


@pytest.mark.parametrize("name", ["", "x", "a.wav.exe", "../../etc/passwd", ".wav/", "a.wav\n"])
def test_what_is_no_recording_is_refused(name: str) -> None:
    with pytest.raises(NoRecording):
        own_names([name])


async def test_a_training_leaves_nothing_and_only_its_own_process_sweeps(tmp_path: Path) -> None:
    workshop = Workshop(TrainingSettings(folder=tmp_path), SpeechSettings())
    with pytest.raises(TrainingOff):
        workshop.check_open()
    kept, lost, others = (workshop.new_id(owner) for owner in ("parley", "parley", "parley-1"))
    order = Order("ada", "base", "shelf", consent="Ada")
    for training_id in (kept, lost, others):
        await workshop.open(training_id, order, [("000.wav", pieces(b"RIFF"))], 7)
    assert (await workshop.role(kept), await workshop.role("parley.1")) == (7, None)
    await workshop.sweep("parley", {kept})
    assert _inside(tmp_path) == {kept, others}
    assert await workshop.read(kept) == order
    await workshop.close(kept)
    assert await workshop.read(kept) is None
    with pytest.raises(ValueError, match="no training"):
        await workshop.close("../../etc")


async def pieces(*given: bytes) -> AsyncGenerator[bytes]:
    for piece in given:
        yield piece


async def test_recordings_go_to_the_disk_as_they_come_and_are_counted_meanwhile(
    tmp_path: Path,
) -> None:
    workshop = Workshop(TrainingSettings(folder=tmp_path, most_bytes=3 << 20), SpeechSettings())
    order, stored, given = Order("ada", "base", "shelf"), tmp_path / "parley.1" / RECORDINGS, 0

    async def endless() -> AsyncGenerator[bytes]:
        """More than was announced: what does not fit is not asked for."""
        nonlocal given
        while True:
            # All but what a file keeps back is on the disk before the next piece is asked for.
            assert sum(path.stat().st_size for path in stored.iterdir()) >= given - (1 << 16)
            given += 1 << 18
            yield bytes(1 << 18)

    both = [("000.wav", pieces(bytes(1 << 20))), ("001.wav", endless())]
    with pytest.raises(RecordingsTooLarge):
        await workshop.open("parley.1", order, both)
    assert given == (2 << 20) + (1 << 18)

    async def filling() -> AsyncGenerator[bytes]:
        """The next one is written to a disk that is full."""
        (tmp_path / "parley.2" / RECORDINGS / "001.wav").symlink_to("/dev/full")
        yield b"RIFF"

    both = [("000.wav", filling()), ("001.wav", pieces(bytes(1 << 18)))]
    if FULL_DISK:
        with pytest.raises(NoSpace):
            await workshop.open("parley.2", order, both)


async def test_a_process_that_is_killed_is_begun_again_and_goes_on_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.training.WORK", "tests.vits.studio.mortal")
    base, shelf = tmp_path / "base", tmp_path / "shelf"
    write_voice(base, tiny_config(PLAIN, "base"), tiny_tensors(PLAIN))
    workshop = Workshop(
        TrainingSettings(folder=tmp_path / "training"), SpeechSettings(voices=(shelf,))
    )
    order = Order("ada", str(base), str(shelf), least_s=0.5, threads=1)
    await workshop.open("parley.1", order, [])
    data = dataset(tmp_path / "training" / "parley.1" / "data")
    (data / "finished").touch()
    assert not await workshop.has("ADA") and await workshop.finished("parley.1") is None
    seen: list[Progress] = []
    end = await workshop.run("parley.1", seen.append)
    assert (end.stage, end.verdict) == ("done", "clean.")
    shares = [each.share for each in seen if each.stage == "train"]
    killed = next(n for n, share in enumerate(shares) if share > 0.5)
    assert shares[killed + 1] > 0.4  # not from the beginning
    assert (data.parent / "died").exists()
    assert VoiceConfig.read(shelf / "ada").name == "ada"
    assert await workshop.has("ADA") and await workshop.finished("parley.1") == end


def _inside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_order_and_a_progress_read_back_as_they_were(tmp_path: Path) -> None:
    order = Order("ada", "base", "shelf", "en", "CC0-1.0", "Ada; \u8001\u5e2b")
    write_order(tmp_path, order)
    assert read_order(tmp_path) == order
    heard = Heard(2.9, 50, 6, 2, {"too noisy": 2}, 3.1, 120)
    progress = Progress("judge", 0.5, 3.0, heard, "", (), "clean.", {"likeness": 0.9})
    assert Progress.read(progress.line()) == progress


ROLES = st.frozensets(st.integers(1, 4), min_size=1)


@given(
    st.lists(st.builds(VoiceRoles, st.sampled_from([0, 7, 8]), st.sampled_from(["A", "b"]), ROLES)),
    st.builds(Hearer, st.sampled_from([0, 7]), st.frozensets(st.integers(1, 4))),
)
def test_a_voice_is_free_where_every_rule_is_met(rules: list[VoiceRoles], hearer: Hearer) -> None:
    closed = barred(rules, hearer)
    for voice in ("A", "b"):
        ours = [r for r in rules if r.voice == voice and r.guild_id in (0, hearer.guild_id)]
        free = all(rule.role_ids & hearer.role_ids for rule in ours)
        assert may_use(voice, closed) == may_use(f"{voice.lower()}/x", closed) == free
