"""What is attached to a training: names of our own, limits, and what is swept away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.access import Hearer, barred, may_use
from speech.settings import SpeechSettings
from speech.training import NoRecording, TrainingOff, TrainingSettings, Workshop, own_names
from storage.records import VoiceRoles
from vits.studio.orders import Heard, Order, Progress, read_order, write_order

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
        await workshop.open(training_id, order, {"000.wav": b"RIFF"})
    await workshop.sweep("parley", {kept})
    assert _inside(tmp_path) == {kept, others}
    assert await workshop.read(kept) == order
    await workshop.close(kept)
    assert await workshop.read(kept) is None
    with pytest.raises(ValueError, match="no training"):
        await workshop.close("../../etc")


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
