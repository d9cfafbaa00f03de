"""What the page shows, as plain values: voices, data sets, trainings. Reads files only."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vits.config import VoiceConfig
from vits.data.records import Dataset, minutes, read_dataset
from vits.errors import BadData, UnknownVoice, VitsError
from vits.io.voices import VoiceShelf
from vits.studio.orders import read_order, read_progress

_STATE = re.compile(r"state-(\d{1,4})-(\d{1,12})\.pt")
_CLIP = re.compile(r"[0-9a-f]{16}\.flac")


@dataclass(frozen=True, slots=True)
class Shelves:
    """Folders that the page may look into; nothing outside of them is ever shown.

    ``data`` are data sets, or folders that hold some; ``trainings`` holds trainings of the bot.
    """

    voices: Path
    data: tuple[Path, ...] = ()
    trainings: Path = Path("data/training")

    @property
    def shelf(self) -> VoiceShelf:
        """The voices."""
        return VoiceShelf([self.voices])

    def list_voices(self) -> list[dict[str, Any]]:
        """Every voice that can be used."""
        return [_voice(config) for config in self.shelf.list()]

    def datasets(self) -> dict[str, Dataset]:
        """Data sets by a name of ours: what people called their folder is no address.

        It is made of the folder's, and so stays when others come and go.
        """
        found: list[Path] = []
        for folder in self.data:
            inside = sorted(each.parent for each in folder.glob("*/dataset.json"))
            found += [folder] if (folder / "dataset.json").is_file() else inside
        if self.trainings.is_dir():
            found += sorted(each.parent for each in self.trainings.glob("*/data/dataset.json"))
        sets: dict[str, Dataset] = {}
        for folder in found:
            name = hashlib.sha256(str(folder.resolve()).encode("utf-8", "replace")).hexdigest()[:12]
            try:
                sets[name] = read_dataset(folder)
            except BadData:
                continue  # half written, or of a newer version
        return sets

    def list_datasets(self) -> list[dict[str, Any]]:
        """Each data set in figures."""
        return [_dataset(name, each) for name, each in self.datasets().items()]

    def clip(self, dataset_name: str, name: str) -> Path:
        """The sound of a clip. Raises :class:`BadData`."""
        dataset = self.datasets().get(dataset_name)
        if dataset is None or not _CLIP.fullmatch(name):
            raise BadData("there is no such clip")
        path = dataset.folder / "clips" / name
        if not path.is_file():
            raise BadData("there is no such clip")
        return path

    def list_trainings(self) -> list[dict[str, Any]]:
        """Trainings under way: those of the bot, and those of ``python -m vits finetune``."""
        found = []
        if self.trainings.is_dir():
            for folder in sorted(self.trainings.iterdir()):
                progress = read_progress(folder)
                try:
                    voice = read_order(folder).voice
                except (BadData, UnknownVoice):
                    continue
                if progress is not None:
                    found.append({"voice": voice, **asdict(progress)})
        for folder in sorted(self.voices.glob(".*.training")):
            saved = _newest_state(folder)
            if saved is not None:
                found.append({"voice": folder.name[1 : -len(".training")], **saved})
        return found


def _voice(config: VoiceConfig) -> dict[str, Any]:
    return {
        "name": config.name,
        "languages": list(config.languages),
        "speakers": list(config.speakers),
        "licence": config.licence,
        "source": config.source,
        "rate_hz": config.rate_hz,
        "converts": config.architecture.has_posterior and config.architecture.n_speakers > 1,
        "defaults": asdict(config.defaults),
    }


def _dataset(name: str, dataset: Dataset) -> dict[str, Any]:
    return {
        "id": name,
        "speaker": dataset.speaker,
        "minutes": round(minutes(dataset.of("train")), 2),
        "clips": len(dataset.of("train")),
        "held_out": len(dataset.of("held-out")),
        "left_out": len(dataset.rejected),
    }


def _newest_state(folder: Path) -> dict[str, Any] | None:
    """Where a training stands by what it saved last."""
    saved: list[tuple[int, int, float]] = []
    for path in folder.glob("state-*.pt"):
        if match := _STATE.fullmatch(path.name):
            saved.append((int(match[1]), int(match[2]), path.stat().st_mtime))
    if not saved:
        return None
    stage, step, at_s = max(saved)
    return {"stage": "train", "part": stage + 1, "step": step, "saved_s": at_s}


def report(dataset: Dataset) -> str:
    """The page of a data set, made anew. Raises ``OSError``."""
    from vits.data.coverage import symbols_of
    from vits.data.report import write_report

    try:
        symbols = symbols_of()
    except VitsError:  # the packaged voice is not there: the rest can be shown
        symbols = None
    return write_report(dataset, symbols).read_text("utf-8")
