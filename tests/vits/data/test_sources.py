"""What people hand in is found, whatever they called it, with the text that belongs to it."""

from __future__ import annotations

import bz2
import os
import subprocess
import zipfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests.vits.data.conftest import RATE_HZ, write
from vits.data.decode import decode
from vits.data.records import Dataset, Rejected, read_dataset
from vits.data.sources import SCRATCH, find_sources
from vits.errors import BadData

SOUND = np.zeros(RATE_HZ // 10, np.float32)


def told(folder: Path, scratch: Path) -> dict[str, str | None]:
    return {each.name: each.text for each in find_sources([folder], scratch)}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"metadata.csv": "a/1.wav|in a\nb/1.wav|in b"}, ("in a", "in b")),
        ({"metadata.csv": "b/1|in b\na/1|in a\n1|anywhere"}, ("in a", "in b")),
        ({"metadata.csv": "1|anywhere"}, ("anywhere", "anywhere")),
        ({"a/metadata.csv": "1|in a", "b/metadata.csv": "1|in b"}, ("in a", "in b")),
        ({"metadata.csv": "1|anywhere", "a/metadata.csv": "1|in a"}, ("in a", "anywhere")),
        ({"lists/filelist.txt": "DUMMY/a/1.wav|0|in a\nC:\\x\\b\\1.wav|0|in b"}, ("in a", "in b")),
        # Of another folder altogether: nobody knows whose it is.
        ({"metadata.csv": "c/1.wav|in c"}, (None, None)),
    ],
)
def test_a_table_tells_recordings_of_one_name_apart(
    tmp_path: Path, tables: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    for name in ("a/1.wav", "b/1.wav"):
        write(tmp_path / "in" / name, SOUND)
    for name, text in tables.items():
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    found = told(tmp_path / "in", tmp_path / "scratch")
    assert (found["a/1.wav"], found["b/1.wav"]) == expected


def test_a_table_of_another_authors_folders_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "in" / "wavs" / "LJ001-0001.wav", SOUND)
    (tmp_path / "in" / "metadata.csv").write_text("LJ001-0001|Printing 1|Printing one")
    assert told(tmp_path / "in", tmp_path) == {"wavs/LJ001-0001.wav": "Printing one"}
    (tmp_path / "in" / "metadata.csv").write_text("DUMMY1/LJ001-0001.wav|Printing")
    assert told(tmp_path / "in", tmp_path) == {"wavs/LJ001-0001.wav": "Printing"}


def test_a_line_break_is_a_space_only_where_words_have_some(tmp_path: Path) -> None:
    for name, text in {
        "zh": "今天天氣\r\n很好，\n\n  我們去 公園。\n「好」",
        "en": "Good\nmorning,\nall",
        "ko": "안녕\n하세요",
        "mixed": "我用\nPython\n寫程式",
    }.items():
        write(tmp_path / "in" / f"{name}.wav", SOUND)
        (tmp_path / "in" / f"{name}.txt").write_text(text, "utf-8")
    assert told(tmp_path / "in", tmp_path) == {
        "en.wav": "Good morning, all",
        "ko.wav": "안녕 하세요",
        "mixed.wav": "我用 Python 寫程式",
        "zh.wav": "今天天氣很好，我們去 公園。「好」",
    }


def test_a_name_in_big5_is_read_and_can_be_written_down(tmp_path: Path) -> None:
    plain = write(tmp_path / "in" / "plain.wav", SOUND)
    plain.rename(tmp_path / "in" / os.fsdecode("老師.wav".encode("cp950")))
    (tmp_path / "in" / "filelist.txt").write_text("老師.wav|您好", "utf-8")
    (source,) = find_sources([tmp_path / "in"], tmp_path)
    assert (source.name, source.text) == ("老師.wav", "您好")
    assert len(decode(source.path)[0]) == len(SOUND)
    Dataset(tmp_path, "Ada", RATE_HZ, (), (Rejected(source.name, 0, 0, "too noisy"),)).save()
    assert read_dataset(tmp_path).rejected[0].source == "老師.wav"
    with pytest.raises(BadData, match=r"老師\.pdf"):
        find_sources([Path(os.fsdecode("老師.pdf".encode("cp950")))], tmp_path)


def test_zips_in_a_folder_are_opened(tmp_path: Path) -> None:
    sound = write(tmp_path / "x.wav", SOUND).read_bytes()
    for name in ("in/one.zip", "in/deep/two.ZIP"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(tmp_path / name, "w") as bundle:
            bundle.writestr("../1.wav", sound)
            bundle.writestr("../1.txt", f"from {name}")
    assert told(tmp_path / "in", tmp_path / "scratch") == {
        "one.zip/../1.wav": "from in/one.zip",
        "deep/two.ZIP/../1.wav": "from in/deep/two.ZIP",
    }


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize("where", ["begin", "middle"])
def test_a_zip_with_a_damaged_member_is_refused_with_the_usual_reason(
    tmp_path: Path, method: int, where: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 9, 300_000, np.uint8).tobytes()
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w", method) as bundle:
        bundle.writestr("1.wav", noise)
        info = bundle.infolist()[0]
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len("1.wav") + (
        0 if where == "begin" else info.compress_size // 2
    )  # fmt: skip
    data[start : start + 40] = bytes(b ^ 0xFF for b in data[start : start + 40])
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"damaged\.zip: the zip is damaged or locked"):
        find_sources([path], tmp_path / SCRATCH)


def test_bz2_still_tells_damage_by_an_error_of_the_system_without_a_number() -> None:
    with pytest.raises(OSError) as told:
        bz2.decompress(b"BZh9" + bytes(60))
    assert told.value.errno is None


@pytest.mark.parametrize(
    ("ending", "codec", "rate_hz"),
    [("oga", "libvorbis", 22_050), ("3gp", "aac", 22_050), ("amr", "libopencore_amrnb", 8_000)],
)
def test_what_telephones_and_messengers_record_is_taken(
    tmp_path: Path, ending: str, codec: str, rate_hz: int
) -> None:
    tone = write(tmp_path / "tone.wav", 0.3 * np.sin(np.arange(RATE_HZ) * 0.1))
    made = tmp_path / "in" / f"one.{ending}"
    made.parent.mkdir()
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tone), "-c:a", codec]
    subprocess.run([*command, "-ar", str(rate_hz), "-y", str(made)], check=True)
    (source,) = find_sources([tmp_path / "in"], tmp_path)
    samples, found_hz = decode(source.path)
    assert found_hz == rate_hz
    assert len(samples) == pytest.approx(rate_hz, rel=0.2) and np.abs(samples).max() > 0.1


def test_what_the_data_set_itself_holds_is_no_input(tmp_path: Path) -> None:
    out = tmp_path / "in" / "set"
    for name in ("set/clips/0.flac", "set/judged-ada/voice-0.flac", f"set/{SCRATCH}/0.wav"):
        write(tmp_path / "in" / name, SOUND)
    write(tmp_path / "in" / "mine.wav", SOUND)
    write(out / "also mine.wav", SOUND)
    found = find_sources([tmp_path / "in"], out / SCRATCH, out)
    assert [each.name for each in found] == ["mine.wav", "set/also mine.wav"]
    found = find_sources([out], out / SCRATCH, out)
    assert [each.name for each in found] == ["also mine.wav"]
