"""The C interface of the native engine (``native/api.h``), through ctypes.

ctypes lets go of the interpreter's lock while a call runs, so other threads go on meanwhile.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from vits.arrays import F32, I64
from vits.config import Architecture
from vits.errors import BackendUnavailable, BadText, BadVoice

NUMBERS = {"fp32": 0, "int16": 1, "bf16": 2}
"""What the flow and the decoder may compute in. The text encoder always works in fp32; in bf16
the flow does too, since the ear would notice."""

_ERROR_BYTES = 256
_LOOKUP = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_int64)


class _Sizes(ctypes.Structure):
    """``parley_architecture``."""

    _fields_ = [
        *((name, c_int32) for name in ("n_symbols", "inter_channels", "hidden_channels")),
        *((name, c_int32) for name in ("filter_channels", "n_heads", "n_layers", "kernel_size")),
        *((name, c_int32) for name in ("window_size", "resblock", "n_resblocks", "n_dilations")),
        *((name, POINTER(c_int32)) for name in ("resblock_kernels", "resblock_dilations")),
        *((name, c_int32) for name in ("n_upsamples", "upsample_initial_channel")),
        *((name, POINTER(c_int32)) for name in ("upsample_rates", "upsample_kernels")),
        *((name, c_int32) for name in ("n_speakers", "gin_channels", "flow_n_flows")),
        *((name, c_int32) for name in ("flow_n_layers", "flow_kernel_size", "use_sdp")),
        *((name, c_int32) for name in ("dp_filter_channels", "dp_kernel_size", "dp_n_flows")),
        *((name, c_int32) for name in ("dp_n_bins", "dp_dds_layers")),
        *((name, c_float) for name in ("dp_tail_bound", "leaky_slope")),
    ]


def _ints(values: list[int]) -> ctypes.Array[c_int32]:
    return (c_int32 * len(values))(*values)


def _sizes(a: Architecture) -> _Sizes:
    shared = {field[0] for field in _Sizes._fields_} & set(Architecture.__dataclass_fields__)
    plain = {name: getattr(a, name) for name in shared - {"resblock", "use_sdp", "upsample_rates"}}
    return _Sizes(
        **plain,
        resblock=int(a.resblock),
        use_sdp=int(a.use_sdp),
        n_resblocks=len(a.resblock_kernel_sizes),
        n_dilations=len(a.resblock_dilation_sizes[0]),
        resblock_kernels=_ints(list(a.resblock_kernel_sizes)),
        resblock_dilations=_ints([d for row in a.resblock_dilation_sizes for d in row]),
        n_upsamples=len(a.upsample_rates),
        upsample_rates=_ints(list(a.upsample_rates)),
        upsample_kernels=_ints(list(a.upsample_kernel_sizes)),
    )


def _declared(c: Any) -> Any:
    """The library with its functions' types. Raises AttributeError: one is not there."""
    c.parley_instruction_sets.restype = c_char_p
    c.parley_offers.argtypes = [c_char_p, c_int]
    c.parley_voice_new.restype = c_void_p
    c.parley_voice_new.argtypes = [*(POINTER(_Sizes), c_char_p, c_int, _LOOKUP, c_void_p, c_char_p)]
    c.parley_voice_free.argtypes = [c_void_p]
    c.parley_session_new.restype = c_void_p
    c.parley_session_new.argtypes = [c_void_p, c_int, c_char_p]
    c.parley_session_free.argtypes = [c_void_p]
    c.parley_encode.argtypes = [
        *(c_void_p, c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_char_p)
    ]
    c.parley_begin.restype = c_int64
    c.parley_begin.argtypes = [c_void_p, c_void_p, c_float, c_char_p]
    c.parley_give.restype = c_int64
    c.parley_give.argtypes = [c_void_p, c_void_p, c_int64, c_char_p]
    c.parley_take.restype = c_int64
    c.parley_take.argtypes = [c_void_p, c_int64, c_void_p, c_int64, c_char_p]
    c.parley_try_peak.restype = c_double
    c.parley_try_peak.argtypes = [c_char_p, c_int, c_double]
    return c


class Library:
    """The compiled engine. Loading it costs a millisecond; it may be loaded many times."""

    def __init__(self, path: Path | None = None) -> None:
        """Load the extension, or the library at ``path``.

        Raises:
            BackendUnavailable: it was not built, cannot be loaded here, or is an old one.
        """
        if path is None:
            spec = importlib.util.find_spec("vits.engine._native")
            if spec is None or spec.origin is None:
                raise BackendUnavailable("the native extension was not built on this machine")
            path = Path(spec.origin)
        try:
            self.c = _declared(ctypes.CDLL(str(path)))
        except OSError as error:
            raise BackendUnavailable("the native extension cannot be loaded here") from error
        except AttributeError as error:  # a function it does not export
            raise BackendUnavailable("the native extension is of another version") from error

    def instruction_sets(self) -> list[str]:
        """What this build and machine offer, best first: ``avx512``, ``avx2``, ``portable``."""
        names: bytes = self.c.parley_instruction_sets()
        return names.decode().split()

    def offers(self, instructions: str, number: str) -> bool:
        """Whether the decoder can compute in these numbers; ``instructions`` "" is the best set."""
        return bool(self.c.parley_offers(instructions.encode(), NUMBERS[number]))

    def peak(self, instructions: str, number: str, seconds: float) -> float:
        """Multiply-adds per second of bare products, by trying for so long; 0 if it has none."""
        found: float = self.c.parley_try_peak(instructions.encode(), NUMBERS[number], seconds)
        return found


class Voice:
    """``parley_voice``: the weights, laid out for this machine."""

    def __init__(
        self,
        library: Library,
        architecture: Architecture,
        tensors: Mapping[str, F32],
        *,
        instructions: str,
        number: str,
    ) -> None:
        """Read and lay out the weights.

        Raises:
            BackendUnavailable: this machine lacks the instruction set or the numbers.
            BadVoice: a tensor is missing or of another size.
        """
        self.c = library.c
        self.handle: int | None = None
        held: list[F32] = []

        def lookup(_: object, name: bytes, count: int) -> int:
            held.clear()
            try:
                array = np.ascontiguousarray(tensors[name.decode()], np.float32)
            except KeyError:
                return 0
            held.append(array)
            return int(array.ctypes.data) if array.size == count else 0

        error = ctypes.create_string_buffer(_ERROR_BYTES)
        if not self.c.parley_offers(instructions.encode(), NUMBERS[number]):
            where = instructions or "this machine"
            raise BackendUnavailable(f"{where} has no native kernels for {number}")
        sizes = _sizes(architecture)
        arguments = (ctypes.byref(sizes), instructions.encode(), NUMBERS[number])
        self.handle = self.c.parley_voice_new(*arguments, _LOOKUP(lookup), None, error)
        if not self.handle:
            raise BadVoice(error.value.decode())

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self.c.parley_voice_free(self.handle)


class Session:
    """``parley_session``: buffers and threads for one utterance at a time."""

    def __init__(self, voice: Voice, threads: int) -> None:
        self._voice = voice  # must outlive the session
        self._c = voice.c
        self._error = ctypes.create_string_buffer(_ERROR_BYTES)
        self.handle = self._c.parley_session_new(voice.handle, threads, self._error)
        if not self.handle:
            raise BackendUnavailable(self._error.value.decode())

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self._c.parley_session_free(self.handle)

    def encode(self, ids: I64, speaker: int, noise: F32) -> F32:
        """Symbol ids (T_text,) and noise (2, T_text), scaled, to log-durations (T_text,)."""
        ids, noise = np.ascontiguousarray(ids), np.ascontiguousarray(noise)
        logs = np.empty(len(ids), np.float32)
        pointers = (ids.ctypes.data, len(ids), speaker, noise.ctypes.data, logs.ctypes.data)
        self._check(self._c.parley_encode(self.handle, *pointers, self._error))
        return logs

    def begin(self, frames: I64, noise_scale: float) -> int:
        """Speak what was encoded, each symbol for so many frames; returns their sum T."""
        frames = np.ascontiguousarray(frames)
        return self._check(
            self._c.parley_begin(self.handle, frames.ctypes.data, noise_scale, self._error)
        )

    def give(self, noise: F32) -> int:
        """Noise (frames, C) of the next frames; returns how many frames are ready for sound."""
        pointer = noise.ctypes.data
        return self._check(self._c.parley_give(self.handle, pointer, len(noise), self._error))

    def take(self, until: int, room: int) -> F32:
        """The sound that the frames before ``until`` complete: (at most room,)."""
        sound = np.empty(room, np.float32)
        made = self._c.parley_take(self.handle, until, sound.ctypes.data, room, self._error)
        return sound[: self._check(made)]

    def _check(self, result: int) -> int:
        if result < 0:
            raise BadText(self._error.value.decode())
        return result
