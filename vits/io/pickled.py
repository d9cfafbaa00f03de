"""Reading PyTorch checkpoints (.pth, .bin) without PyTorch and without running anything.

A checkpoint is a pickle: a small program that may call anything. So it is not unpickled, but read
by :class:`vits.io.program.Program`, which calls nothing; here is where its numbers lie.

Both of torch.save's layouts are read: the zip archive (since PyTorch 1.6) and the one before it.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vits.arrays import F32
from vits.errors import BadCheckpoint
from vits.io.program import MOST_PROGRAM_BYTES, Program, Storage, TensorAt

_ZIP = b"PK\x03\x04"

# What reading a damaged archive may raise.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, LookupError, RuntimeError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


def is_torch(path: Path) -> bool:
    """Whether this may be a checkpoint: a zip archive, or a pickle of protocol 2 or later."""
    with path.open("rb") as file:
        begin = file.read(4)
    return begin == _ZIP or (
        begin[:1] == b"\x80" and begin[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    )


class Pickled:
    """A checkpoint, open: the value that was saved, and its tensors when asked for."""

    def __init__(self, path: Path) -> None:
        """Raises BadCheckpoint: not a PyTorch file, damaged, or it asks to call something."""
        self._path = path
        try:
            with path.open("rb") as file:
                zipped = file.read(4) == _ZIP
            self._archive = zipfile.ZipFile(path) if zipped else None
            if self._archive is not None:
                self._open_archive(self._archive)
            else:
                self._open_old(path)
        except _UNREADABLE as error:
            raise BadCheckpoint(f"{path.name} is damaged or cut short") from error

    value: Any
    _held: tuple[Storage | None, bytes] = (None, b"")
    _places: dict[str, tuple[int, int]]  # key -> where its bytes begin, and how many there are

    def _open_archive(self, archive: zipfile.ZipFile) -> None:
        programs = [i for i in archive.infolist() if i.filename.endswith("/data.pkl")]
        if len(programs) != 1:
            raise BadCheckpoint(f"{self._path.name} is a zip archive, but no PyTorch checkpoint")
        if programs[0].file_size > MOST_PROGRAM_BYTES:
            raise BadCheckpoint(f"{self._path.name} describes itself at impossible length")
        self._folder = programs[0].filename.removesuffix("data.pkl")
        with archive.open(programs[0]) as file:
            self.value = Program(_exactly(file.read)).run()
        order = f"{self._folder}byteorder"
        if order in archive.namelist() and archive.getinfo(order).file_size != len("little"):
            raise BadCheckpoint(f"{self._path.name} was saved on a big-endian machine")

    def _open_old(self, path: Path) -> None:
        with path.open("rb") as file:
            read = _exactly(file.read)
            if Program(read).run() != 0x1950A86A20F9469CFC6C:
                raise BadCheckpoint(f"{path.name} is not a PyTorch checkpoint")
            Program(read).run()  # protocol
            Program(read).run()  # the machine it was saved on
            self.value = Program(read).run()
            keys = Program(read).run()
            sizes = {t.storage.key: t.storage for t in _tensors_in(self.value)}
            self._places = {}
            if not all(isinstance(key, (str, int)) for key in keys):
                raise BadCheckpoint(f"{path.name} is damaged")
            for key in keys:
                count = struct.unpack("<q", read(8))[0]
                storage = sizes.get(str(key))
                if storage is None or count != storage.count:
                    raise BadCheckpoint(f"{path.name} is damaged: sizes do not agree")
                size = count * _width(storage.dtype)
                self._places[str(key)] = (file.tell(), size)
                file.seek(size, 1)

    def arrays(self, tensors: Mapping[str, TensorAt]) -> dict[str, F32]:
        """Several tensors as float32.

        Raises:
            BadCheckpoint: fewer numbers are stored than they claim.
        """
        # Tensors may share numbers, but a small file must not grow into a large memory by that.
        claimed = sum(math.prod(tensor.shape) for tensor in tensors.values())
        if claimed > 2 * self._path.stat().st_size:
            raise BadCheckpoint("the checkpoint claims more numbers than it holds")
        by_place = sorted(tensors.items(), key=lambda pair: pair[1].storage.key)
        return {name: self.array(tensor) for name, tensor in by_place}

    def array(self, tensor: TensorAt) -> F32:
        """The numbers of a tensor as float32.

        Raises:
            BadCheckpoint: fewer numbers are stored than it claims.
        """
        storage = tensor.storage
        if self._held[0] != storage:  # tensors that share numbers come one after another
            self._held = storage, self._bytes(storage.key, storage.count * _width(storage.dtype))
        raw = self._held[1]
        if storage.dtype == "bf16":
            numbers = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            numbers = np.frombuffer(raw, storage.dtype).astype(np.float32)
        size = math.prod(tensor.shape)
        steps = zip(tensor.shape, tensor.strides, strict=True)
        last = tensor.offset + sum((extent - 1) * stride for extent, stride in steps)
        if size and (size > storage.count or last >= storage.count):
            raise BadCheckpoint("the checkpoint claims more numbers than it holds")
        if not size:
            return np.zeros(tensor.shape, np.float32)
        # A step along an axis of one leads nowhere, so it may be any number.
        places = zip(tensor.shape, tensor.strides, strict=True)
        strides = [4 * stride if extent > 1 else 0 for extent, stride in places]
        view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)
        return np.array(view, np.float32)

    def _bytes(self, key: str, size: int) -> bytes:
        try:
            if self._archive is None:
                start, there = self._places[key]
                with self._path.open("rb") as file:
                    file.seek(start)
                    raw = file.read(min(size, there))
            else:
                entry = self._archive.getinfo(f"{self._folder}data/{key}")
                # torch.save stores without compression; a compressed entry may be a bomb.
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size < size:
                    raise BadCheckpoint("the checkpoint claims more numbers than it holds")
                with self._archive.open(entry) as file:
                    raw = file.read(size)
        except _UNREADABLE as error:
            raise BadCheckpoint(f"{self._path.name} is damaged or cut short") from error
        if len(raw) != size:
            raise BadCheckpoint(f"{self._path.name} is cut short")
        return raw


def _width(dtype: str) -> int:
    return 2 if dtype == "bf16" else np.dtype(dtype).itemsize


def _tensors_in(value: object) -> list[TensorAt]:
    """Every tensor within lists, tuples and mappings, however deep."""
    found, waiting, seen = [], [value], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, TensorAt):
            found.append(one)
        elif isinstance(one, (dict, list, tuple)) and id(one) not in seen:
            seen.add(id(one))
            waiting += list(one.values()) if isinstance(one, dict) else list(one)
    return found


def _exactly(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    def reader(size: int) -> bytes:
        found = read(size)
        if len(found) != size:
            raise BadCheckpoint("the checkpoint is cut short")
        return found

    return reader
