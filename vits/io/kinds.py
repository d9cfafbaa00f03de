"""What every importer shares: the result, and reading somebody's JSON without trusting it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vits.arrays import F32
from vits.config import VoiceConfig
from vits.errors import BadCheckpoint


@dataclass(frozen=True)
class Checkpoint:
    """A voice read from somebody's format, not yet written.

    Attributes:
        config: what ``voice.json`` will say.
        tensors: by the names of :mod:`vits.layout`, float32.
    """

    config: VoiceConfig
    tensors: Mapping[str, F32]


def shown(name: str, most: int = 100) -> str:
    """A name out of somebody's file, fit for a sentence: one line, no control codes, not long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name[: 4 * most]).split())
    return plain if len(plain) <= most else plain[:most] + "\u2026"


def fuse(g: F32 | None, v: F32, name: str) -> F32:
    """g v / |v|, the norm over all axes but those g keeps: the first, in torch's default.

    Raises:
        BadCheckpoint: g is missing or does not fit v.
    """
    if g is None or not v.ndim or g.shape != (v.shape[0],) + (1,) * (v.ndim - 1):
        raise BadCheckpoint(f"{shown(name)}: its weight norm is incomplete")
    norm = np.sqrt(np.square(v).sum(axis=tuple(range(1, v.ndim)), keepdims=True))
    return np.asarray(g * v / np.maximum(norm, np.finfo(np.float32).tiny), np.float32)


class Fields:
    """An object in a JSON file. Every access checks the type, and an error names the field."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise BadCheckpoint(f"{where}: expected an object")
        self._data = data
        self._where = where

    @classmethod
    def of_file(cls, path: Path) -> Fields:
        """Raises BadCheckpoint: missing, over 64 MB, or not a JSON object."""
        try:
            if path.stat().st_size > 64 << 20:
                raise BadCheckpoint(f"{path.name} is far too large for a configuration")
            data = json.loads(path.read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise BadCheckpoint(f"{path.name} is missing or not valid JSON") from error
        return cls(data, path.name)

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def _fail(self, key: str, wanted: str) -> BadCheckpoint:
        return BadCheckpoint(f"{self._where}: {shown(key)}: expected {wanted}")

    def child(self, key: str) -> Fields:
        """The object under ``key``; an empty one if it is absent."""
        return Fields(self._data.get(key, {}), f"{self._where}: {key}")

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._data.get(key, default)
        if not isinstance(value, str):
            raise self._fail(key, "text")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """A boolean."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self._fail(key, "true or false")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._fail(key, "a number")
        if not -1e300 < value < 1e300:  # nor an integer that no float can hold
            raise self._fail(key, "a finite number")
        return float(value)

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.number(key, default)
        if value != int(value):
            raise self._fail(key, "a whole number")
        return int(value)

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        value = self._data.get(key)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self._fail(key, "a list of whole numbers")
        return tuple(value)

    def whole_rows(self, key: str) -> tuple[tuple[int, ...], ...]:
        """A list of lists of whole numbers."""
        value = self._data.get(key)
        if not isinstance(value, list):
            raise self._fail(key, "a list of lists of whole numbers")
        return tuple(Fields({key: row}, self._where).wholes(key) for row in value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, or one string taken letter by letter; empty if absent."""
        value = self._data.get(key) or []
        if isinstance(value, str):
            return tuple(value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fail(key, "a list of text")
        return tuple(value)

    def table(self, key: str) -> dict[str, int]:
        """Names to whole numbers; empty if absent."""
        inner = self.child(key)
        return {name: inner.whole(name) for name in inner._data}

    def id_lists(self, key: str) -> dict[str, tuple[int, ...]]:
        """Names to lists of whole numbers; empty if absent."""
        inner = self.child(key)
        return {name: inner.wholes(name) for name in inner._data}

    def text_rows(self, key: str) -> tuple[tuple[str, ...], ...]:
        """A list of lists of strings; empty if absent."""
        value = self._data.get(key) or []
        if not isinstance(value, list):
            raise self._fail(key, "a list of lists of text")
        return tuple(Fields({key: row}, self._where).texts(key) for row in value)

    def is_list(self, key: str) -> bool:
        """Whether there is a list under ``key``."""
        return isinstance(self._data.get(key), list)

    def root_table(self) -> dict[str, int]:
        """This object itself as names to whole numbers."""
        return {name: self.whole(name) for name in self._data}

    def names(self) -> tuple[str, ...]:
        """The keys of this object."""
        return tuple(map(str, self._data))
