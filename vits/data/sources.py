"""What people hand in: folders, zips, recordings, videos, with or without transcripts.

Transcripts are taken from where people keep them: a ``.txt`` or ``.lab`` beside a clip, a
``metadata.csv`` of LJSpeech (``id|text``), or a filelist of VITS (``path|text`` or
``path|speaker|text``). Language marks such as ``[ZH]...[ZH]`` are kept.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vits.errors import BadData

SOUNDS = frozenset(
    "wav flac mp3 ogg opus m4a aac wma aiff aif g722 mp4 mkv mov webm avi m4v mpg mpeg".split()  # noqa: SIM905 - a list of words reads better as one
)
NOTES = frozenset({"txt", "lab", "csv", "list"})
MOST_FILES = 50_000
MOST_BYTES = 20 << 30


@dataclass(frozen=True, slots=True)
class Source:
    """One recording: ``name`` as its owner wrote it, ``path`` where we can read it."""

    name: str
    path: Path
    text: str | None = None


def find_sources(inputs: Sequence[Path], scratch: Path) -> list[Source]:
    """Every recording in ``inputs``; zips are unpacked into ``scratch`` under names of our own.

    Raises:
        BadData: an input does not exist, is no recording, or a zip is damaged or too large.
    """
    found: list[Source] = []
    for number, given in enumerate(inputs):
        if given.is_dir():
            files = {str(p.relative_to(given)): p for p in sorted(given.rglob("*")) if p.is_file()}
            found += _with_notes(files)
        elif given.is_file() and zipfile.is_zipfile(given):
            found += _with_notes(_unpack(given, scratch / str(number)))
        elif given.is_file() and _ending(given.name) in SOUNDS:
            beside = {
                p.name: p for p in given.parent.glob("*") if p.stem == given.stem and p.is_file()
            }
            found += [s for s in _with_notes(beside) if s.path == given]
        elif given.exists():
            raise BadData(f"{given.name}: neither a folder, a zip nor a recording")
        else:
            raise BadData(f"{given.name}: there is no such file")
    if not found:
        raise BadData("no recording was found in what was given")
    return found


def _unpack(archive: Path, folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [m for m in bundle.infolist() if not m.is_dir()]
            wanted = [m for m in members if _ending(m.filename) in SOUNDS | NOTES]
            if len(wanted) > MOST_FILES or sum(m.file_size for m in wanted) > MOST_BYTES:
                raise BadData(f"{archive.name}: too much in one zip")
            folder.mkdir(parents=True, exist_ok=True)
            for number, member in enumerate(wanted):
                # Our own name: what a zip calls its members is text, not a place to write to.
                path = folder / f"{number:06d}.{_ending(member.filename)}"
                with bundle.open(member) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                files[member.filename] = path
    except (zipfile.BadZipFile, RuntimeError, EOFError, NotImplementedError) as error:
        raise BadData(f"{archive.name}: the zip is damaged or locked") from error
    return files


def _ending(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _with_notes(files: dict[str, Path]) -> list[Source]:
    """Pair recordings with their transcripts."""
    tables: dict[str, str] = {}
    for name, path in files.items():
        if _ending(name) in {"csv", "list"} or _stem(name).lower() in {"filelist", "transcripts"}:
            tables |= dict(_rows(path))
    beside = {
        str(PurePosixPath(name).with_suffix("")): path
        for name, path in files.items()
        if _ending(name) in {"txt", "lab"}
    }
    found = []
    for name, path in files.items():
        if _ending(name) not in SOUNDS:
            continue
        text = tables.get(_stem(name))
        note = beside.get(str(PurePosixPath(name).with_suffix("")))
        if text is None and note is not None:
            text = _read(note)
        found.append(Source(name, path, " ".join(text.split()) if text and text.strip() else None))
    return found


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """``(stem, text)`` of a table; the text is the last column."""
    for line in _read(path).splitlines():
        first, bar, rest = line.partition("|")
        if bar and rest.strip():
            yield _stem(first.strip()), rest.rsplit("|", 1)[-1].strip()


def _read(path: Path) -> str:
    raw = path.read_bytes()[: 16 << 20]
    for encoding in ("utf-8-sig", "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "big5"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
