"""From recordings to a training set: what is kept, what is left out and why."""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests.vits.data.conftest import LINES, RATE_HZ, write
from vits.data import cutting, measure
from vits.data.build import Plan, _write, build
from vits.data.decode import decode, resample
from vits.data.records import Dataset, read_dataset
from vits.data.report import write_report
from vits.data.sources import find_sources
from vits.errors import BadAudio, BadData, DiskFull

NASTY = '老師 "; rm -rf ~ #'


@pytest.fixture(scope="module")
def made(spoken: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """One set from a zip with a transcript, a long recording, a video and several bad ones."""
    given = tmp_path_factory.mktemp(NASTY[:6])
    first, second = spoken.values()
    archive = given / f"{NASTY[:4]}.zip"
    clip = write(given / "part.wav", first)
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.write(clip, f"../../{NASTY}/one.wav")
        bundle.writestr(f"../../{NASTY}/one.txt", LINES["clip one"])
    pause = np.zeros(2 * RATE_HZ, np.float32)
    long = write(given / "long talk.flac", np.concatenate([second, pause, first[::1] * 0.5]))
    silent = write(given / "silent.wav", pause)
    loud = resample(second, RATE_HZ, 48_000)
    loud *= 2 / np.abs(loud).max()
    clipped = write(given / "clipped.wav", np.clip(loud, -0.9, 0.9), 48_000)
    broken = given / "broken.mp3"
    broken.write_bytes(b"ID3" + bytes(2000))
    write(given / "wrong" / "one.wav", second)
    (given / "wrong" / "one.txt").write_text("Something else entirely was written down here today.")
    video = given / "film.mp4"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i",
         "color=c=blue:s=64x64:d=3", "-i", str(clip), "-shortest", "-y", str(video)],
        check=True,
    )  # fmt: skip
    inputs = [archive, long, silent, clipped, broken, given / "wrong", video]
    return build(inputs, given / "set", Plan(NASTY, threads=1), progress=lambda line: None)


def test_a_given_transcript_is_kept_and_the_rest_is_transcribed(made: Dataset) -> None:
    given = [c for c in made.clips if not c.transcribed]
    assert [c.text for c in given] == [LINES["clip one"]]
    heard = " ".join(c.text for c in made.clips if c.transcribed).lower()
    assert "shore" in heard
    assert {c.language for c in made.clips} == {"en"}


def test_what_cannot_be_used_is_named_with_its_reason(made: Dataset) -> None:
    why = {each.source: each.why for each in made.rejected}
    assert why["silent.wav"] == "nobody speaks in it"
    assert "clipped" in why["clipped.wav"]
    assert "no sound" in why["broken.mp3"]
    assert "transcript" in why["one.wav"]


def test_names_are_only_names(made: Dataset) -> None:
    assert made.speaker == NASTY
    stored = {path.name for path in (made.folder / "clips").iterdir()}
    assert stored == {f"{clip.id}.flac" for clip in made.clips}
    assert sorted(p.name for p in made.folder.iterdir()) == ["clips", "dataset.json"]


def test_clips_are_level_and_one_is_held_out(made: Dataset) -> None:
    assert len(made.of("held-out")) == 1
    for clip in made.clips:
        level = measure.loudness_lufs(made.sound(clip), made.rate_hz)
        assert level == pytest.approx(measure.LOUDNESS_LUFS, abs=1.5)


def test_a_set_reads_back_as_it_was(made: Dataset) -> None:
    assert read_dataset(made.folder) == made


def test_the_report_plays_every_clip_and_asks_the_network_for_nothing(made: Dataset) -> None:
    page = write_report(made, symbols=lambda clip: list(clip.text)).read_text("utf-8")
    assert page.count("<audio") == len(made.clips)
    assert "http://" not in page and "https://" not in page
    assert "&quot;; rm -rf" in page
    assert "Phonemes to learn from" in page
    assert "Phonemes" not in write_report(made, symbols=lambda clip: []).read_text("utf-8")


def test_a_stopped_run_goes_on_where_it_was(
    made: Dataset, tmp_path: Path, spoken: dict[str, np.ndarray]
) -> None:
    source = write(tmp_path / "in" / "one.wav", next(iter(spoken.values())))
    plan = Plan("A", threads=1)
    first = build([source], tmp_path / "out", plan, progress=lambda line: None)
    again = build([source], tmp_path / "out", plan, progress=lambda line: None)
    assert again == first
    with pytest.raises(BadData, match="another speaker"):
        build([source], tmp_path / "out", Plan("B"), progress=lambda line: None)


def test_a_stretch_without_pause_is_cut_where_it_is_quietest() -> None:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(30 * 1000).astype(np.float32)
    sound[9_000:9_200] *= 0.01
    cut = cutting.utterances([cutting.Span(0, 30)], sound, 1000)
    assert cut[0].end_s == pytest.approx(9.1, abs=0.1)
    assert all(span.seconds <= cutting.LONGEST_S for span in cut)
    assert cut[-1].end_s == 30


def test_resampling_keeps_a_tone_and_drops_what_does_not_fit() -> None:
    time = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 15_000 * time)
    low = resample(tone.astype(np.float32), 48_000, 22_050)
    spectrum = np.abs(np.fft.rfft(low * np.hanning(len(low))))
    assert np.argmax(spectrum) == pytest.approx(440 * len(low) / 22_050, abs=1)
    assert spectrum[np.argmax(spectrum) + 200 :].max() < spectrum.max() * 1e-3


def test_inputs_that_are_no_recordings_are_named(tmp_path: Path) -> None:
    (tmp_path / "notes.pdf").write_text("x")
    with pytest.raises(BadData, match=r"notes\.pdf"):
        find_sources([tmp_path / "notes.pdf"], tmp_path)
    with pytest.raises(BadData, match=r"absent\.wav"):
        find_sources([tmp_path / "absent.wav"], tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(BadData):
        find_sources([tmp_path / "broken.zip"], tmp_path)


def test_a_playlist_cannot_make_ffmpeg_open_another_file(
    tmp_path: Path, spoken: dict[str, np.ndarray]
) -> None:
    secret = write(tmp_path / "secret.wav", next(iter(spoken.values())))
    playlist = tmp_path / "innocent.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:3,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(BadAudio):
        decode(playlist)


def test_a_damaged_set_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadData):
        read_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"format": 1, "clips": [{"id": "../x"}]}))
    with pytest.raises(BadData):
        read_dataset(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named_and_what_was_written_before_stays(tmp_path: Path) -> None:
    kept = Dataset(tmp_path, NASTY, RATE_HZ, (), ())
    kept.save()
    (tmp_path / "dataset.json.new").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="disk full"):
        replace(kept, speaker="Bob").save()
    assert read_dataset(tmp_path).speaker == NASTY
    clip = tmp_path / "one.flac"
    (tmp_path / "one.new").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="disk full"):
        _write(clip, np.zeros(RATE_HZ, np.float32), RATE_HZ)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]
