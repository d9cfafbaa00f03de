"""Runs every kernel and tiny voices of every form, and compares nothing: for sanitizers to watch.

``python -m tests.vits.engine.drive LIBRARY CASES [FORM...]``. Needs numpy only.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.vits.engine.native_kernels import ConvCase, Kernels, random_case
from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from vits.engine.base import Style
from vits.engine.native import NativeEngine
from vits.engine.native_api import NUMBERS, Library
from vits.errors import BadText

STYLE = Style(0.8, 1.3, 0.6, seed=11)

DRIVEN = FORMS | {
    "far beyond its text": replace(
        PLAIN, window_size=200, resblock_dilation_sizes=((1, 40), (13, 10))
    )
}
"""Sizes that no voice has, but a file may name."""


def kernels(path: Path, cases: int) -> None:
    """Every kernel, at its edges and at random."""
    library = Library(path)
    random = np.random.default_rng(3)
    for name in library.instruction_sets():
        run = Kernels(name, path)
        for number in NUMBERS:
            if not library.offers(name, number):
                continue
            for _ in range(cases):
                run.conv(random_case(random, number))
            for taps in range(1, 14):
                run.conv(ConvCase(number=number, taps=taps, pad=taps // 2, rows=1, count=1))
                run.conv(ConvCase(number=number, taps=taps, pad=0, rows=150, count=150, inputs=40))
        for rows, channels in ((1, 1), (3, 17), (40, 70)):
            x, add = random.standard_normal((2, rows, channels), np.float32)
            gamma = random.standard_normal(channels, np.float32)
            run.layer_norm(x, add, gamma, gamma, gelu=True)
            run.softmax(x)
            for taps in (1, 3, 7):
                weights = random.standard_normal((taps, channels), np.float32)
                run.depthwise(x, weights, gamma, 9)
                run.project(x, weights, 0.1)
        for bins in (2, 10, 64):
            parameters = random.standard_normal((50, 3 * bins - 1), np.float32)
            y = random.standard_normal(50, np.float32) * np.float32(4)
            y[:3] = -5, 5, np.nan
            run.spline(y, parameters, 5.0, 0.2)


def voices(path: Path, forms: list[str]) -> None:
    """Tiny voices of these forms, alone and several at once, and what they refuse."""
    library = Library(path)
    for form in forms:
        architecture = DRIVEN[form]
        config, tensors = tiny_config(architecture), tiny_tensors(architecture)
        for number in NUMBERS:
            if not library.offers("", number):
                continue
            engine = NativeEngine(config, tensors, library=library, number=number, threads=2)
            for length in (1, 5):
                ids = (np.arange(length) % 20).tolist()
                list(engine.stream(ids, style=STYLE))
            list(zip(engine.stream([1, 2], style=STYLE), engine.stream([3], style=STYLE)))  # noqa: B905 - one ends before the other
            try:
                engine.whole([20], style=STYLE)
            except BadText:
                continue
            raise AssertionError(form)


if __name__ == "__main__":
    kernels(Path(sys.argv[1]), int(sys.argv[2]))
    voices(Path(sys.argv[1]), sys.argv[3:] or list(DRIVEN))
    print("all ran")
