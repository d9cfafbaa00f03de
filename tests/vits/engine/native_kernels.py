"""The native engine's kernels, one at a time, through ``native/try.h``. Needs numpy only."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_float, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vits.arrays import F32
from vits.engine.native_api import NUMBERS, Library

_INTS = ("number", "tiles", "threads", "out", "in", "taps", "dilation", "pad", "gate")


class _Layer(ctypes.Structure):
    _fields_ = [
        *((name, c_int32) for name in _INTS),
        *((name, c_float) for name in ("slope", "scale", "unslope")),
        *((name, POINTER(c_float)) for name in ("weights", "bias", "residual", "base")),
    ]


@dataclass(frozen=True)
class ConvCase:
    """One convolution; arrays are drawn from ``seed``."""

    number: str = "fp32"
    tiles: int = 2
    threads: int = 1
    outputs: int = 8  # of each half, for a gate
    inputs: int = 8
    taps: int = 3
    dilation: int = 1
    pad: int = 1
    rows: int = 20
    first: int = 0
    count: int = 20
    gate: bool = False
    slope: float = 1.0
    scale: float = 1.0
    unslope: float = 1.0
    residual: bool = False
    base: bool = False
    seed: int = 0

    @property
    def out(self) -> int:
        """Rows of the filter."""
        return 2 * self.outputs if self.gate else self.outputs

    def arrays(self) -> dict[str, F32 | None]:
        """x (rows, in), weights (out, in, taps), bias, residual and base (count, out) or None."""
        random = np.random.default_rng(self.seed)

        def draw(*shape: int) -> F32:
            return random.standard_normal(shape, np.float32)

        weights = draw(self.out, self.inputs, self.taps) / np.float32(
            np.sqrt(self.inputs * self.taps)
        )
        return {
            "x": draw(self.rows, self.inputs),
            "weights": weights,
            "bias": draw(self.out) * np.float32(0.1),
            "residual": draw(self.count, self.out) if self.residual else None,
            "base": draw(self.count, self.out) if self.base else None,
        }


def random_case(random: np.random.Generator, number: str) -> ConvCase:
    """A case of any shape, often at an edge."""

    def one(*values: int) -> int:
        return int(random.choice(values))

    taps, dilation = int(random.integers(1, 14)), one(1, 1, 2, 3, 5, 6, 10, 12, 13, 40)
    rows = one(1, 2, 5, 12, 31, 77, 150)
    gate = bool(random.random() < 0.2)
    return ConvCase(
        number=number,
        tiles=one(0, 1, 2),
        threads=one(1, 1, 2, 3),
        outputs=one(1, 3, 8, 16, 31, 32, 33, 64, 96),
        inputs=one(1, 3, 8, 16, 31, 32, 33, 64, 96),
        taps=taps,
        dilation=dilation,
        pad=int(random.integers(0, (taps - 1) * dilation + 1)),
        rows=rows,
        first=int(random.integers(0, rows)),
        count=one(1, 2, 7, 13, 40, 97),
        gate=gate,
        slope=float(random.choice([1.0, 0.1, 0.0])),
        scale=float(random.choice([1.0, 1 / 3])),
        unslope=float(random.choice([1.0, 10.0])),
        residual=not gate and bool(random.random() < 0.4),
        base=not gate and bool(random.random() < 0.4),
        seed=int(random.integers(1 << 30)),
    )


class Kernels:
    """The kernels of one instruction set."""

    def __init__(self, instructions: str, path: Path | None = None) -> None:
        self._name = instructions.encode()
        self.library = Library(path)
        c: Any = self.library.c
        many = [c_char_p, c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p]
        c.parley_try_conv.argtypes = many
        c.parley_try_layer_norm.argtypes = [
            *(c_char_p, c_void_p, c_void_p, c_int64, c_int32),
            *(c_void_p, c_void_p, c_int32, c_void_p),
        ]
        c.parley_try_softmax.argtypes = [c_char_p, c_void_p, c_int64, c_int64]
        c.parley_try_depthwise.argtypes = [
            *(c_char_p, c_void_p, c_int64, c_int32, c_int32, c_int32),
            *(c_void_p, c_void_p, c_void_p),
        ]
        c.parley_try_project.argtypes = [
            *(c_char_p, c_void_p, c_int64, c_int32, c_int32, c_void_p, c_float, c_void_p)
        ]
        c.parley_try_spline.argtypes = [
            *(c_void_p, c_void_p, c_int64, c_int32, c_float, c_float, c_void_p)
        ]
        c.parley_try_peak.argtypes = [c_char_p, c_int32, c_double]
        c.parley_try_peak.restype = c_double
        self._c = c

    def conv(self, case: ConvCase) -> F32:
        """(count, outputs)"""
        arrays = case.arrays()
        pointers = {
            name: array.ctypes.data_as(POINTER(c_float))
            for name, array in arrays.items()
            if array is not None and name != "x"
        }
        layer = _Layer(
            **{"in": case.inputs},
            **pointers,
            number=NUMBERS[case.number],
            tiles=case.tiles,
            threads=case.threads,
            out=case.out,
            taps=case.taps,
            dilation=case.dilation,
            pad=case.pad,
            gate=case.gate,
            slope=case.slope,
            scale=case.scale,
            unslope=case.unslope,
        )
        x, out = arrays["x"], np.empty((case.count, case.outputs), np.float32)
        assert x is not None
        last = case.first + case.count
        self._check(
            self._c.parley_try_conv(
                *(self._name, ctypes.byref(layer), x.ctypes.data, case.rows, case.first, last),
                out.ctypes.data,
            )
        )
        return out

    def layer_norm(self, x: F32, add: F32 | None, gamma: F32, beta: F32, *, gelu: bool) -> F32:
        """(rows, channels) -> the same."""
        out = np.empty_like(x)
        more = None if add is None else add.ctypes.data
        self._check(
            self._c.parley_try_layer_norm(
                *(self._name, x.ctypes.data, more, *x.shape),
                *(gamma.ctypes.data, beta.ctypes.data, gelu, out.ctypes.data),
            )
        )
        return out

    def softmax(self, x: F32) -> F32:
        """(rows, columns) -> the same."""
        out = x.copy()
        self._check(self._c.parley_try_softmax(self._name, out.ctypes.data, *x.shape))
        return out

    def depthwise(self, x: F32, weights: F32, bias: F32, dilation: int) -> F32:
        """x (rows, channels), weights (taps, channels) -> (rows, channels)"""
        out = np.empty_like(x)
        self._check(
            self._c.parley_try_depthwise(
                *(self._name, x.ctypes.data, *x.shape, len(weights), dilation),
                *(weights.ctypes.data, bias.ctypes.data, out.ctypes.data),
            )
        )
        return out

    def project(self, x: F32, weights: F32, bias: float) -> F32:
        """x (rows, channels), weights (taps, channels) -> (rows,)"""
        out = np.empty(len(x), np.float32)
        self._check(
            self._c.parley_try_project(
                *(self._name, x.ctypes.data, *x.shape, len(weights), weights.ctypes.data),
                *(bias, out.ctypes.data),
            )
        )
        return out

    def spline(self, y: F32, parameters: F32, tail: float, scale: float) -> F32:
        """y (n,), parameters (n, 3 bins - 1) -> (n,)"""
        out = np.empty_like(y)
        bins = (parameters.shape[1] + 1) // 3
        self._c.parley_try_spline(
            *(y.ctypes.data, parameters.ctypes.data, len(y), bins, tail, scale, out.ctypes.data)
        )
        return out

    def peak(self, number: str, seconds: float) -> float:
        """Multiply-adds per second."""
        found: float = self._c.parley_try_peak(self._name, NUMBERS[number], seconds)
        return found

    @staticmethod
    def _check(result: int) -> None:
        assert result == 0, "no such kernel here"
