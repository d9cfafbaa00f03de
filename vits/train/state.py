"""What a training can go on from: saved whole or not at all, read without executing code."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vits.errors import BadData, VitsError

FORMAT = 2


class NotSaved(VitsError, OSError):
    """A state could not be written: the disk is full, or the folder may not be written to."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A moment of a training. ``plan`` must be the same when it goes on."""

    plan: str  # a hash of recipe, base voice and data
    stage: int
    step: int  # within the stage, already done
    tensors: Mapping[str, Any]  # state dicts by name: learner, ema, optimisers, critic, kept, best


class States:
    """The states of one training: ``state-<stage>-<step>.pt`` in a folder, the last few kept."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self._keep = keep

    def save(self, saved: Saved) -> Path:
        """Write and then forget the oldest.

        Raises:
            NotSaved: the disk is full; earlier states are untouched.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(saved.stage, saved.step)
        fresh = path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                torch.save(
                    {
                        "format": FORMAT,
                        "plan": saved.plan,
                        "stage": saved.stage,
                        "step": saved.step,
                        "tensors": dict(saved.tensors),
                    },
                    file,
                )
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except (OSError, RuntimeError) as error:
            fresh.unlink(missing_ok=True)
            raise NotSaved(
                "the state could not be saved: is the disk full? What was saved before is still "
                "there, and the same command goes on from it"
            ) from error
        for old in self._all()[: -self._keep]:
            old.unlink(missing_ok=True)
        return path

    def newest(self, plan: str) -> Saved | None:
        """The last whole state of this plan; a damaged one is passed over.

        Raises:
            BadData: there are states, but of another base, data or recipe.
        """
        for path in reversed(self._all()):
            try:
                data = torch.load(path, map_location="cpu", weights_only=True)
                saved = Saved(data["plan"], data["stage"], data["step"], data["tensors"])
            except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError):
                continue
            if saved.plan != plan or data.get("format") != FORMAT:
                raise BadData(
                    "an unfinished training of other data, base or settings is there; "
                    "finish it, or start anew with --fresh"
                )
            return saved
        return None

    def forget(self, stage: int, step: int) -> None:
        """Forget the state of this moment, if it was saved: nothing good came of it."""
        self._path(stage, step).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all of them."""
        for path in self._all():
            path.unlink(missing_ok=True)
        for note in self.folder.glob("pace-*.json"):  # of vits.train.budget
            note.unlink(missing_ok=True)

    def _path(self, stage: int, step: int) -> Path:
        return self.folder / f"state-{stage:02d}-{step:07d}.pt"

    def _all(self) -> list[Path]:
        return sorted(self.folder.glob("state-*.pt"))
