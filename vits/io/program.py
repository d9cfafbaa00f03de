"""What a pickle says, without doing any of it: see :mod:`vits.io.pickled`.

A pickle is a small program that may call anything. This steps through the thirty instructions
that ``torch.save`` writes, on plain values; names of functions stay names, and the only "call" it
knows is the description of a tensor. A program that asks for anything else is refused, with the
name of what it asked for.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vits.errors import BadCheckpoint
from vits.io.kinds import shown

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
                name, module = _plain(stack.pop()), _plain(stack.pop())
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
        if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in listed):
            raise TypeError
        return dict(_pairs([part for pair in listed for part in pair]))
    if name in _TENSORS:
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, Storage):
            raise BadCheckpoint("the checkpoint is damaged")
        sizes, steps = tuple(map(_whole, shape)), tuple(map(_whole, strides))
        fits = len(sizes) == len(steps) <= 8 and min((_whole(offset), *sizes, *steps)) >= 0
        if not fits or math.prod(filter(None, sizes)) > MOST_NUMBERS:
            raise BadCheckpoint("the checkpoint is damaged: a size that is none")
        return TensorAt(storage, offset, sizes, steps)
    if name in _PARAMETERS:
        return arguments[0]
    return Name(name)


def _storage(value: Any) -> Storage:
    """The description ("storage", type, key, device, count)."""
    kind, dtype, key, _, count = value[:5]
    name = dtype.text.split()[-1] if isinstance(dtype, Name) else ""
    if kind != "storage" or name not in _STORAGES:
        raise BadCheckpoint(f"the checkpoint holds numbers of an unknown kind: {shown(name)}")
    return Storage(str(_plain(key)), _STORAGES[name], _whole(count))


def _plain(value: object) -> str | int:
    """A name or a number. A list of lists that are one list has few items and no end of text."""
    if not isinstance(value, (str, int)):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value
