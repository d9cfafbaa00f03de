"""What people hand in: folders, zips, recordings, videos, with or without transcripts.

Transcripts are taken from where people keep them: a ``.txt`` or ``.lab`` beside a clip, a
``metadata.csv`` of LJSpeech (``id|text``), or a filelist of VITS (``path|text`` or
``path|speaker|text``). Language marks such as ``[ZH]...[ZH]`` are kept.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from vits.data.endings import SOUNDS
from vits.errors import BadData
from vits.judge.whisper import CJK

NOTES = frozenset({"txt", "lab", "csv", "list"})
MOST_FILES = 50_000
MOST_BYTES = 20 << 30
SCRATCH = ".unpacked"  # where zips are unpacked, within the folder of the data set

_DEEPEST = 8  # parts of a path that are compared with a table's
_SOLID = rf"(?![\uac00-\ud7af])[{CJK}\u3001-\u303f\uff01-\uff65]"
# Between two characters of a writing without spaces, a line break is no space.
_BREAK = re.compile(rf"({_SOLID})[^\S\r\n]*[\r\n]\s*(?={_SOLID})")


@dataclass(frozen=True, slots=True)
class Source:
    """One recording: ``name`` as its owner wrote it, ``path`` where we can read it."""

    name: str
    path: Path
    text: str | None = None


def find_sources(inputs: Sequence[Path], scratch: Path, out: Path | None = None) -> list[Source]:
    """Every recording in ``inputs``; zips are unpacked into ``scratch`` under names of our own.

    What was made in ``out``, the folder of the data set, is no input.

    Raises:
        BadData: an input does not exist, is no recording, or a zip is damaged or too large.
        OSError: it cannot be read, or the disk is full.
    """
    found: list[Source] = []
    for number, given in enumerate(inputs):
        if given.is_dir():
            found += _with_notes(dict(_inside(given, scratch / str(number), out)))
        elif given.is_file() and zipfile.is_zipfile(given):
            found += _with_notes(_unpack(given, scratch / str(number)))
        elif given.is_file() and _ending(given.name) in SOUNDS:
            beside = {
                p.name: p for p in given.parent.glob("*") if p.stem == given.stem and p.is_file()
            }
            found += [s for s in _with_notes(beside) if s.path == given]
        elif given.exists():
            raise BadData(f"{readable(given.name)}: neither a folder, a zip nor a recording")
        else:
            raise BadData(f"{readable(given.name)}: there is no such file")
    if not found:
        raise BadData("no recording was found in what was given")
    return found


def readable(name: str) -> str:
    """A file's name as text: one that is not UTF-8 is mostly Big5, from an old zip."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "cp950"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def _inside(folder: Path, scratch: Path, out: Path | None) -> Iterator[tuple[str, Path]]:
    """Names and places of the files in ``folder`` and in its zips."""
    ours = out.resolve() if out else None
    number = count()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or (ours and _made(path.resolve(), ours)):
            continue
        name = str(path.relative_to(folder))
        if _ending(name) != "zip":
            yield name, path
            continue
        unpacked = _unpack(path, scratch / str(next(number)))
        yield from ((f"{name}/{member}", place) for member, place in unpacked.items())


def _made(path: Path, out: Path) -> bool:
    """Whether a file is a clip, a judgement or a left-over of the data set in ``out``."""
    if not path.is_relative_to(out):
        return False
    first = path.relative_to(out).parts[0]
    return first in {"clips", SCRATCH} or first.startswith("judged-")


def _unpack(archive: Path, folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    damaged = f"{readable(archive.name)}: the zip is damaged or locked"
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [m for m in bundle.infolist() if not m.is_dir()]
            wanted = [m for m in members if _ending(m.filename) in SOUNDS | NOTES]
            if len(wanted) > MOST_FILES or sum(m.file_size for m in wanted) > MOST_BYTES:
                raise BadData(f"{readable(archive.name)}: too much in one zip")
            folder.mkdir(parents=True, exist_ok=True)
            for number, member in enumerate(wanted):
                # Our own name: what a zip calls its members is text, not a place to write to.
                path = folder / f"{number:06d}.{_ending(member.filename)}"
                with bundle.open(member) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                files[member.filename] = path
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError) as error:
        raise BadData(damaged) from error
    except (zlib.error, lzma.LZMAError) as error:
        raise BadData(damaged) from error
    except OSError as error:
        if error.errno is not None:  # of the disk; bz2 gives none for what is damaged
            raise
        raise BadData(damaged) from error
    return files


def _ending(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path, without the ending of a recording."""
    path = PurePosixPath(name.replace("\\", "/"))
    return (path.with_suffix("") if _ending(name) in SOUNDS | NOTES else path).parts[-_DEEPEST:]


def _with_notes(files: Mapping[str, Path]) -> list[Source]:
    """Pair recordings with their transcripts."""
    beside = {
        str(PurePosixPath(name).with_suffix("")): path
        for name, path in files.items()
        if _ending(name) in {"txt", "lab"}
    }
    recordings = {name: readable(name) for name in files if _ending(name) in SOUNDS}
    listed = _listed(files, recordings)
    found = []
    for name, shown in recordings.items():
        text = listed.get(name)
        note = beside.get(str(PurePosixPath(name).with_suffix("")))
        if text is None and note is not None:
            text = _read(note)
        line = " ".join(_BREAK.sub(r"\1", text or "").split())
        found.append(Source(shown, files[name], line or None))
    return found


def _listed(files: Mapping[str, Path], recordings: Mapping[str, str]) -> dict[str, str]:
    """Texts that tables give, by recording. The nearest table wins, then the last."""
    parts = {name: _parts(shown) for name, shown in recordings.items()}
    tables = {}
    for name in files:
        place = _parts(readable(name))
        if _ending(name) in {"csv", "list"} or place[-1].lower() in {"filelist", "transcripts"}:
            tables[name] = place[:-1]
    texts: dict[str, str] = {}
    for name, folder in sorted(tables.items(), key=lambda table: len(table[1])):
        rows = dict(_rows(files[name]))
        near = {each: place for each, place in parts.items() if place[: len(folder)] == folder}
        texts |= _matched(rows, near) or _matched(rows, parts)
    return texts


def _matched(
    rows: Mapping[tuple[str, ...], str], recordings: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Texts of a table by recording: whose paths end alike, the longest such end first.

    A path that is there only in part (LJSpeech's and VITS's begin with folders of their authors)
    is followed where one recording alone can be meant.
    """
    ends: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, parts in recordings.items():
        for first in range(len(parts)):
            ends[parts[first:]].append(name)
    found: list[tuple[int, list[str], str]] = []
    for parts, text in rows.items():
        end = next((parts[n:] for n in range(len(parts)) if parts[n:] in ends), ())
        if end and (end == parts or len(ends[end]) == 1):
            found.append((len(end), ends[end], text))
    found.sort(key=lambda match: match[0])
    return {name: text for _, names, text in found for name in names}


def _rows(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """``(parts of the path, text)`` of a table; the text is the last column."""
    for line in _read(path).splitlines():
        first, bar, rest = line.partition("|")
        if bar and rest.strip() and first.strip():
            yield _parts(first.strip()), rest.rsplit("|", 1)[-1].strip()


def _read(path: Path) -> str:
    raw = path.read_bytes()[: 16 << 20]
    for encoding in ("utf-8-sig", "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "big5"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
