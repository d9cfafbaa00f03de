"""What is to be made, and how far it is: plain files in a folder, for whoever starts or watches.

::

    order.json       what is to be made
    recordings/      what it is made of, under names of our own
    progress.json    how far it is, written anew at each step
    data/, voices/, judged/    what has been made so far

Imports neither NumPy nor PyTorch: the process that asks for a training does not carry them.
"""

from __future__ import annotations

import filecmp
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from vits.errors import BadData
from vits.io.voices import check_name

ORDER, PROGRESS = "order.json", "progress.json"
RECORDINGS, VOICES = "recordings", "voices"

Stage = Literal["data", "teach", "train", "judge", "done", "failed"]
STAGES: tuple[Stage, ...] = ("data", "teach", "train", "judge")
"""In their order; the second only where the base voice lacks a posterior encoder."""

Kind = Literal[
    "", "missing", "unusable", "short", "long", "language", "diverged", "disk", "taken", "fault"
]
"""Why it failed: packages are missing; nothing usable in the recordings; too little or too much of
it; not in the base voice's language; a loss was no number; the disk is full; the name was taken
meanwhile; anything else."""


@dataclass(frozen=True, slots=True)
class Order:
    """One new voice.

    Attributes:
        voice: its name.
        base: the folder of the voice to begin from.
        shelf: the folder that the finished voice is put into.
        language: of the recordings, such as ``en``; empty: it is found out.
        licence, consent: kept with the voice; who agreed to be imitated.
        recipe: name of a recipe in ``vits.train.recipe``.
        steps: times the recipe's own.
        threads: of the work; 0: all cores but one.
        least_s: so much usable speech to learn from is needed.
        most_bytes: larger recordings are not taken; packed ones count unpacked.
        sentences: how many it says to be judged.
    """

    voice: str
    base: str
    shelf: str
    language: str = ""
    licence: str = ""
    consent: str = ""
    recipe: str = "few-minutes"
    steps: float = 1.0
    threads: int = 0
    least_s: float = 60.0
    most_bytes: int = 1 << 30
    sentences: int = 20


@dataclass(frozen=True, slots=True)
class Heard:
    """What the recordings came to."""

    minutes: float
    """To learn from."""
    clips: int
    held_out: int
    left_out: int
    why: Mapping[str, int] = field(default_factory=dict)
    """Reason -> how many stretches were left out for it."""
    quality: float = 0.0
    """DNSMOS, median of the clips: 1 bad to 5 good."""
    pitch_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. ``share`` is of the stage, 0 to 1."""

    stage: Stage
    share: float = 0.0
    left_s: float | None = None
    """Of the stage, as far as can be told."""
    heard: Heard | None = None
    failure: Kind = ""
    why: tuple[str, ...] = ()
    """For ``unusable``: what is wrong with the recordings. For ``language``: which it is. For
    ``fault``, and where a voice was made but not judged: where in the program, for the log."""
    verdict: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the judgement: likeness, word_errors, quality, real_time."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.stage in ("done", "failed")

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Progress:
        """From :meth:`line`. Raises :class:`BadData`."""
        data = _object(text)
        try:
            heard = Heard(**data.pop("heard")) if data.get("heard") else data.pop("heard", None)
            return cls(**{**data, "heard": heard, "why": tuple(data.get("why", ()))})
        except TypeError as error:
            raise BadData("that is no progress of a training") from error


def write_order(folder: Path, order: Order) -> None:
    """Put an order into ``folder``. Raises UnknownVoice for what cannot be a voice's name."""
    check_name(order.voice)
    _write(folder / ORDER, json.dumps(asdict(order), ensure_ascii=False, indent=1) + "\n")


def read_order(folder: Path) -> Order:
    """The order in ``folder``. Raises BadData, UnknownVoice."""
    try:
        data = _object((folder / ORDER).read_text("utf-8"))
    except OSError as error:
        raise BadData("there is no order in that folder") from error
    if set(data) - {each.name for each in fields(Order)}:
        raise BadData("the order was written by a newer version")
    try:
        order = Order(**data)
    except TypeError as error:
        raise BadData("the order lacks something") from error
    check_name(order.voice)
    return order


def write_progress(folder: Path, progress: Progress) -> None:
    """Say how far it is."""
    _write(folder / PROGRESS, progress.line() + "\n")


def read_progress(folder: Path) -> Progress | None:
    """How far the work in ``folder`` is; None where nothing was said yet."""
    try:
        return Progress.read((folder / PROGRESS).read_text("utf-8"))
    except (OSError, BadData):
        return None


def is_published(folder: Path, order: Order) -> bool:
    """Whether the voice of that name on the shelf is the one that was made in ``folder``.

    The files themselves tell: the voice appears by one rename, so at every moment it is known.
    """
    made, there = folder / VOICES / order.voice, Path(order.shelf) / order.voice
    try:
        names = [path.name for path in made.iterdir()]
        same = (filecmp.cmp(made / name, there / name, shallow=False) for name in names)
        return bool(names) and all(same)
    except OSError:
        return False


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadData("that is not JSON") from error
    if not isinstance(data, dict):
        raise BadData("that is no JSON object")
    return data


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
