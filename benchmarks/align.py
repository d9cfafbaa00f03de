"""Monotonic alignment search against the original's: its bare kernel, and the call it ships.

Ours is always the whole public call: checks, the array of durations, the search. The original's
bare kernel has its arrays (a table to sum in, a dense path) from before the clock starts; the same
with its arrays made in time is reported beside it.

The peer is ``monotonic-align`` 1.0.0 from PyPI, the module of jaywalnut310/vits, built here from
its source with the flags it asks for.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from vits.align import align, kernels

SHAPES = (  # batch, tokens, frames
    (1, 20, 60),
    (1, 200, 800),
    (4, 50, 200),
    (16, 120, 500),
    (32, 200, 800),
    (32, 100, 1000),
    (64, 400, 800),
)


def original() -> Any:
    """The peer's module, in a folder of its own that uses our PyTorch."""
    folder = harness.PEERS / "align"
    if not (folder / "monotonic_align").is_dir():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
             "monotonic-align==1.0.0"],
            check=True,
        )  # fmt: skip
    sys.path.insert(0, str(folder))
    return importlib.import_module("monotonic_align")


def _shape(peer: Any, shape: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    import torch

    batch, tokens, frames = shape
    scores = np.random.default_rng(0).standard_normal((batch, frames, tokens)).astype(np.float32)
    text, time = np.full(batch, tokens, np.int32), np.full(batch, frames, np.int32)
    path, work = np.zeros(scores.shape, np.int32), scores.copy()
    tensor, mask = torch.from_numpy(scores), torch.ones(batch, frames, tokens)

    def bare() -> None:
        # The kernel sums in place; adding to sums takes the same time as adding to scores.
        peer.core.maximum_path_c(path, work, time, text)

    def whole() -> None:
        # What it cannot do without: a table it may destroy, and a path of zeros.
        peer.core.maximum_path_c(np.zeros(scores.shape, np.int32), scores.copy(), time, text)

    def narrower(kernel: str) -> Callable[[], object]:
        return lambda: align(scores, text, time, threads=1, kernel=kernel)

    # Two groups, for what ran before decides what is in the caches: the call as shipped leaves
    # PyTorch's things there, which a kernel next in turn would pay for.
    taken = harness.interleave(
        {
            "ours, 1 thread": lambda: align(scores, text, time, threads=1),
            **{f"ours, {name}, 1 thread": narrower(name) for name in kernels()[:-1]},
            "original, bare kernel": bare,
            "original, kernel and its arrays": whole,
        },
        rounds=rounds,
    )
    taken |= harness.interleave(
        {
            "ours, 2 threads": lambda: align(scores, text, time, threads=2),
            "original, as shipped": lambda: peer.maximum_path(tensor, mask),
        },
        rounds=rounds,
    )
    same = (peer.maximum_path(tensor, mask).numpy().sum(1) == align(scores, text, time)).all()
    return {
        "shape": {"batch": batch, "tokens": tokens, "frames": frames},
        "same_paths": bool(same),
        "ms": {k: harness.Spread.of([s * 1e3 for s in v], "ms") for k, v in taken.items()},
    }


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure every shape; returns and saves the figures, prints the table."""
    peer = original()
    found = [_shape(peer, shape, 15 if quick else 80) for shape in SHAPES]
    rows: list[list[object]] = [
        ["batch x tokens x frames", "ours ms", *kernels()[:-1], "its kernel", "with its arrays",
         "2 threads", "as shipped", "kernel ratio", "call ratio", "same paths"]
    ]  # fmt: skip
    for entry in found:
        ms = {name: spread.median for name, spread in entry["ms"].items()}
        ours, *others, bare, whole, two, shipped = ms.values()
        rows.append(
            [" x ".join(map(str, entry["shape"].values())), ours, *others, bare, whole, two,
             shipped, bare / ours, shipped / two, entry["same_paths"]]
        )  # fmt: skip
    print(harness.table("Monotonic alignment search", rows))
    result = {"machine": harness.machine(), "shapes": found}
    harness.save(out_dir, "align", result)
    return result
