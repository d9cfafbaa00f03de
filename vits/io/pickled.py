"""Reading PyTorch checkpoints (.pth, .bin) without PyTorch and without running anything.

A checkpoint is a pickle: a small program that may call anything. So it is not unpickled. This
module steps through the thirty instructions that ``torch.save`` writes, on plain values; names of
functions stay names, and the only "call" it knows is the description of a tensor. A checkpoint
that asks for anything else is refused, with the name of what it asked for.

Both of torch.save's layouts are read: the zip archive (since PyTorch 1.6) and the one before it.
"""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vits.arrays import F32
from vits.errors import BadCheckpoint
from vits.io.kinds import shown

Array = npt.NDArray[np.generic]

MOST_PROGRAM_BYTES = 64 << 20
"""No honest checkpoint describes itself in more; the numbers themselves are not counted."""

MOST_STEPS = 4_000_000
"""Fifty times what a large checkpoint with its optimizer takes."""

MOST_NUMBERS = 1 << 40
"""In one tensor, as claimed."""

_STORAGES: Mapping[str, str] = {
    **{"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2"},
    **{"LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1"},
    **{"ByteStorage": "<u1", "BoolStorage": "?", "BFloat16Storage": "bf16"},
}
_MAPPINGS = ("collections OrderedDict", "collections defaultdict")
_TENSORS = ("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor")
_PARAMETERS = ("torch._utils _rebuild_parameter", "torch.nn.parameter Parameter")
# Harmless values beside the tensors: a learning rate, a device, a list of names.
_INERT = re.compile(
    r"torch (?:device|Size|dtype|layout|u?int\d+|b?float\d*|half|double|long|short|bool|strided)"
    r"|torch\._utils _rebuild_\w+|torch\.serialization _get_layout"
    r"|torch\.torch_version TorchVersion"
    r"|numpy (?:dtype|ndarray|u?int\d+|float\d+|bool_?)|numpy\.dtypes \w+DType"
    r"|numpy\._?core\.multiarray (?:scalar|_reconstruct)"
    r"|_codecs encode|pathlib \w*Path|(?:builtins|__builtin__) set"
)


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


@dataclass(frozen=True, slots=True)
class Name:
    """The name of something a pickle refers to; never the thing itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Storage:
    """Where numbers lie: a key in the file, their type and how many are claimed."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class TensorAt:
    """A tensor as described; nothing is read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()
"""Where a group of values begins on the stack."""


class Program:
    """Steps through one pickle. ``read(n)`` must return exactly n bytes or raise."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that was pickled.

        Raises:
            BadCheckpoint: it is cut short, damaged, or asks to call something.
        """
        try:
            for _ in range(MOST_STEPS):
                code = self._read(1)
                if code == b".":
                    return self._stack.pop()
                self._step(code)
        except (
            *(LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError),
            struct.error,
        ) as error:
            raise BadCheckpoint("the checkpoint is damaged") from error
        raise BadCheckpoint("the checkpoint describes itself at impossible length")

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._read(struct.calcsize(layout)))[0]

    def _sized(self, layout: str) -> bytes:
        size = int(self._number(layout))
        if size > MOST_PROGRAM_BYTES:
            raise BadCheckpoint("the checkpoint claims a value of impossible size")
        return self._read(size)

    def _group(self) -> list[Any]:
        """What is above the last mark."""
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _line(self) -> str:
        found = b""
        while (byte := self._read(1)) != b"\n":
            found += byte
            if len(found) > 256:
                raise BadCheckpoint("the checkpoint is damaged")
        return found.decode("utf-8", "replace")

    def _step(self, code: bytes) -> None:
        stack = self._stack
        match code:
            case b"\x80":  # PROTO
                self._read(1)
            case b"\x95":  # FRAME
                self._read(8)
            case b"(":
                stack.append(_MARK)
            case b"0":
                stack.pop()
            case b"N":
                stack.append(None)
            case b"\x88" | b"\x89":
                stack.append(code == b"\x88")
            case b"K":
                stack.append(self._number("<B"))
            case b"M":
                stack.append(self._number("<H"))
            case b"J":
                stack.append(self._number("<i"))
            case b"\x8a":  # LONG1
                stack.append(int.from_bytes(self._sized("<B"), "little", signed=True))
            case b"G":
                stack.append(self._number(">d"))
            case b"X":
                stack.append(self._sized("<I").decode("utf-8", "replace"))
            case b"\x8c":
                stack.append(self._sized("<B").decode("utf-8", "replace"))
            case b"T" | b"B":
                stack.append(self._sized("<I"))
            case b"U" | b"C":
                stack.append(self._sized("<B"))
            case b"}":
                stack.append({})
            case b"]":
                stack.append([])
            case b"\x8f":  # EMPTY_SET
                stack.append([])
            case b")":
                stack.append(())
            case b"\x85" | b"\x86" | b"\x87":
                size = code[0] - 0x84
                stack[-size:] = [tuple(stack[-size:])]
            case b"t":
                stack.append(tuple(self._group()))
            case b"l":
                stack.append(self._group())
            case b"d":
                items = self._group()
                stack.append(dict(_pairs(items)))
            case b"s":
                value, key = stack.pop(), stack.pop()
                stack[-1].update(_pairs([key, value]))
            case b"u":
                items = self._group()
                stack[-1].update(_pairs(items))
            case b"a":
                value = stack.pop()
                stack[-1].append(value)
            case b"e" | b"\x90":  # APPENDS, ADDITEMS
                items = self._group()
                stack[-1].extend(items)
            case b"q":
                self._memo[self._number("<B")] = stack[-1]
            case b"r":
                self._memo[self._number("<I")] = stack[-1]
            case b"\x94":  # MEMOIZE
                self._memo[len(self._memo)] = stack[-1]
            case b"h":
                stack.append(self._memo[self._number("<B")])
            case b"j":
                stack.append(self._memo[self._number("<I")])
            case b"c":
                stack.append(_known(f"{self._line()} {self._line()}"))
            case b"\x93":  # STACK_GLOBAL
                name, module = stack.pop(), stack.pop()
                stack.append(_known(f"{module} {name}"))
            case b"Q":  # BINPERSID
                stack.append(_storage(stack.pop()))
            case b"R" | b"\x81":  # REDUCE, NEWOBJ
                arguments, function = stack.pop(), stack.pop()
                stack.append(_made(function, arguments))
            case b"b":  # BUILD: attributes of an object; ours have none
                stack.pop()
            case _:
                raise BadCheckpoint("the checkpoint is damaged, or not one of PyTorch's")


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    """Keys and values in turn. Hashing a deep nest of tuples would overflow the stack of C."""
    if not all(isinstance(key, (str, int, float, bytes, Name, type(None))) for key in items[::2]):
        raise TypeError
    return list(zip(items[::2], items[1::2], strict=True))


def _known(name: str) -> Name:
    module, _, attribute = name.partition(" ")
    storage = module in ("torch", "torch.storage") and attribute.endswith("Storage")
    if storage or name in (*_MAPPINGS, *_TENSORS, *_PARAMETERS) or _INERT.fullmatch(name):
        return Name(name)
    raise BadCheckpoint(
        f"the checkpoint asks to use {shown(f'{module}.{attribute}')}, which is not data; "
        "nothing of it was run"
    )


def _made(function: object, arguments: tuple[Any, ...]) -> Any:
    name = function.text if isinstance(function, Name) else ""
    if name in _MAPPINGS:
        listed = arguments[0] if arguments and isinstance(arguments[0], list) else []
        return dict(_pairs([part for pair in listed for part in pair]))
    if name in _TENSORS:
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, Storage):
            raise BadCheckpoint("the checkpoint is damaged")
        sizes, steps = tuple(map(int, shape)), tuple(map(int, strides))
        fits = len(sizes) == len(steps) <= 8 and min((offset, *sizes, *steps)) >= 0
        if not fits or math.prod(filter(None, sizes)) > MOST_NUMBERS:
            raise BadCheckpoint("the checkpoint is damaged: a size that is none")
        return TensorAt(storage, int(offset), sizes, steps)
    if name in _PARAMETERS:
        return arguments[0]
    return Name(name)


def _storage(value: Any) -> Storage:
    """The description ("storage", type, key, device, count)."""
    kind, dtype, key, _, count = value[:5]
    name = dtype.text.split()[-1] if isinstance(dtype, Name) else ""
    if kind != "storage" or name not in _STORAGES:
        raise BadCheckpoint(f"the checkpoint holds numbers of an unknown kind: {shown(name)}")
    return Storage(str(key), _STORAGES[name], int(count))


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
