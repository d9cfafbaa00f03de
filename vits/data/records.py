"""What a data set is on disk, and the records of what was kept and what was not.

A data set is a folder::

    dataset.json        speaker, rate, and every clip with its text and figures
    clips/<id>.flac     mono, the set's rate, 16 bits; the id is a hash of the sound
    report.html         what a person looks at before training

Names that people gave to files are kept as text for the report and never become paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from vits.arrays import F32
from vits.errors import BadData, DiskFull

FORMAT = 1
Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one clip."""

    seconds: float
    loudness_lufs: float  # before it was brought to the set's loudness (ITU-R BS.1770)
    snr_db: float  # speech frames against the quietest tenth
    clipped: float  # share of samples, as recorded, that lie in a flat top
    background: float  # DNSMOS "BAK", 1 bad to 5 good: noise and music
    quality: float  # DNSMOS "OVRL"
    pitch_hz: float | None  # median over voiced frames (pYIN); None where nothing is voiced


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance to learn from, or to be judged by."""

    id: str
    source: str
    start_s: float  # where in its source it begins
    text: str
    language: str  # "en", "zh", "ja", ...
    transcribed: bool  # by machine; False where the text was given
    split: Split
    figures: Figures


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stretch that was not used, and why, in words for the person who recorded it."""

    source: str
    start_s: float
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """All of it. ``folder`` is where it lies."""

    folder: Path
    speaker: str
    rate_hz: int
    clips: tuple[Clip, ...]
    rejected: tuple[Rejected, ...]

    def of(self, split: Split) -> tuple[Clip, ...]:
        """The clips of one split, in a fixed order."""
        return tuple(clip for clip in self.clips if clip.split == split)

    def sound_path(self, clip: Clip) -> Path:
        """Where the sound of ``clip`` lies."""
        return self.folder / "clips" / f"{clip.id}.flac"

    def sound(self, clip: Clip) -> F32:
        """Samples (n,) of ``clip`` within [-1, 1]. Raises :class:`BadData`."""
        import soundfile

        try:
            samples, rate_hz = soundfile.read(self.sound_path(clip), dtype="float32")
        except (OSError, RuntimeError) as error:
            raise BadData(f"clip {clip.id} cannot be read") from error
        if rate_hz != self.rate_hz or samples.ndim != 1:
            raise BadData(f"clip {clip.id} is not {self.rate_hz} Hz mono")
        return samples  # type: ignore[no-any-return]  # soundfile is untyped

    def save(self) -> None:
        """Write ``dataset.json``: whole or not at all. Raises :class:`DiskFull`."""
        text = {
            "format": FORMAT,
            "speaker": self.speaker,
            "rate_hz": self.rate_hz,
            "clips": [asdict(clip) for clip in self.clips],
            "rejected": [asdict(each) for each in self.rejected],
        }
        fresh = self.folder / "dataset.json.new"
        try:
            fresh.write_text(json.dumps(text, ensure_ascii=False, indent=1) + "\n", "utf-8")
            fresh.replace(self.folder / "dataset.json")
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise DiskFull(
                "the list of clips could not be written: is the disk full? What was listed "
                "before is kept"
            ) from error


def read_dataset(folder: Path) -> Dataset:
    """The data set in ``folder``.

    Raises:
        BadData: there is none, or it cannot be read.
    """
    try:
        data = json.loads((folder / "dataset.json").read_text("utf-8"))
        if data["format"] > FORMAT:
            raise BadData("this data set was made by a newer version")
        clips = tuple(_clip(each) for each in data["clips"])
        rejected = tuple(Rejected(**each) for each in data["rejected"])
        return Dataset(folder, str(data["speaker"]), int(data["rate_hz"]), clips, rejected)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadData("there is no readable dataset.json in that folder") from error


def _clip(data: dict[str, Any]) -> Clip:
    clip = Clip(**{**data, "figures": Figures(**data["figures"])})
    if not (len(clip.id) == 16 and set(clip.id) <= set("0123456789abcdef")):
        raise ValueError("a clip's id is a hash")
    return clip


def minutes(clips: Iterable[Clip]) -> float:
    """How long ``clips`` are together."""
    return sum(clip.figures.seconds for clip in clips) / 60
