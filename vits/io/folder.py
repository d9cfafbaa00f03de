"""A voice on disk: a folder of ``voice.json`` and ``model.safetensors``.

Neither file can carry code. A folder appears whole or not at all: it is written beside its place
and renamed into it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vits import layout
from vits.arrays import F32
from vits.config import VoiceConfig
from vits.errors import BadVoice
from vits.io.files import CONFIG_FILE, WEIGHTS_FILE
from vits.io.kinds import shown


class Tensors(Mapping[str, F32]):
    """Tensors of one file by name, each read when asked for (the file is mapped, not loaded)."""

    _file: Any  # safetensors ships partial types

    def __init__(self, path: Path) -> None:
        """Raises BadVoice: the file is missing, cut short or not safetensors."""
        try:
            self._file = safe_open(path, framework="numpy")
        except (OSError, SafetensorError) as error:
            raise BadVoice(f"{path.parent.name}: {path.name} is missing or damaged") from error
        self._names = list(self._file.keys())

    def __getitem__(self, name: str) -> F32:
        if name not in self._names:
            raise KeyError(name)
        return np.asarray(self._file.get_tensor(name), np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor's shape, without reading it. Raises BadVoice if one is not float32."""
        shapes = {}
        for name in self._names:
            view = self._file.get_slice(name)
            if view.get_dtype() != "F32":
                raise BadVoice(f"{name} is {view.get_dtype()}, expected F32")
            shapes[name] = tuple(view.get_shape())
        return shapes


def float_tensor(file: Any, name: str) -> F32:
    """A tensor of any float type as float32. Raises BadVoice for others."""
    kind = str(file.get_slice(name).get_dtype())
    if kind not in ("F32", "F16", "F64"):
        raise BadVoice(f"{name} is {kind}; only F16, F32 and F64 are read")
    return np.asarray(file.get_tensor(name), np.float32)


def read_voice(folder: Path) -> tuple[VoiceConfig, Tensors]:
    """The configuration and the (lazily read) tensors of a voice folder.

    Raises:
        BadVoice: a file is missing or damaged, or a tensor is missing or of another shape.
    """
    config = VoiceConfig.read(folder)
    tensors = Tensors(folder / WEIGHTS_FILE)
    wrong = layout.differences(config.architecture, tensors.shapes())
    if wrong:
        raise BadVoice(f"{folder.name}: {listed(wrong)}")
    return config, tensors


def write_voice(folder: Path, config: VoiceConfig, tensors: Mapping[str, F32]) -> None:
    """Make the folder of a voice, atomically; an earlier one of that name is replaced.

    Raises:
        BadVoice: the tensors are not those the configuration says.
    """
    config.check()
    wrong = layout.differences(config.architecture, {n: t.shape for n, t in tensors.items()})
    if wrong:
        raise BadVoice(f"{config.name}: {listed(wrong)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        ready = {n: np.ascontiguousarray(t, np.float32) for n, t in tensors.items()}
        save_file(ready, part / WEIGHTS_FILE)
        (part / CONFIG_FILE).write_text(config.to_json(), "utf-8")
        for file in part.iterdir():
            file.chmod(0o644)
            _to_disk(file)
        part.chmod(0o755)
        _replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def listed(lines: list[str], most: int = 12) -> str:
    """Lines in one sentence, cut after ``most``."""
    more = f"; and {len(lines) - most} more" if len(lines) > most else ""
    return "; ".join(shown(line, 160) for line in lines[:most]) + more


def _to_disk(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _replace(part: Path, folder: Path) -> None:
    """Put ``part`` at ``folder``. A full directory cannot be renamed over, so it steps aside."""
    for last in (False, False, True):
        aside = None
        if folder.exists():
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
            with contextlib.suppress(FileNotFoundError):
                folder.rename(aside / "voice")
        try:
            part.rename(folder)
        except OSError:
            if last and not folder.exists():
                raise
        finally:
            if aside:
                shutil.rmtree(aside, ignore_errors=True)
        # Another process may have put the same voice there in this moment: its folder is as good.
        # If that stepped aside for a third one just now, try again.
        if folder.exists():
            return
