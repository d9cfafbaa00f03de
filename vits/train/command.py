"""``python -m vits finetune --voice BASE --data DIR -o NAME``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from vits.errors import WITH_TORCH, MissingDependency, UnknownVoice
from vits.io.manifest import MODELS
from vits.io.packaged import DEFAULT_VOICE, VOICES, packaged
from vits.io.voices import VoiceShelf, check_name

INTERRUPTED = 130


def add(commands: Any) -> None:
    """Add the command to an argparse sub-parser collection."""
    parser = commands.add_parser("finetune", help="make a voice of your own from a data set")
    parser.add_argument("--voice", default=DEFAULT_VOICE, help="the voice to begin from")
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="one for each speaker")
    parser.add_argument("--auxiliary", type=Path, nargs="*", default=[], help="against forgetting")
    parser.add_argument("-o", "--name", required=True, help="what the voice will be called")
    parser.add_argument("--replace", action="store_true", help="write over a voice of that name")
    parser.add_argument("--recipe", choices=["few-minutes", "full"], default="few-minutes")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=float, default=1.0, help="times the recipe's own")
    length.add_argument("--minutes", type=_minutes, help="as many steps as fit, on this machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--licence", default="", help="of the finished voice; kept with it")
    parser.add_argument("--consent", default="", help="who agreed to be imitated; kept with it")
    parser.add_argument("--fresh", action="store_true", help="forget an unfinished training")
    parser.add_argument("--log", type=Path, help="folder for TensorBoard")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--voices", type=Path, default=VOICES)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int | None:
    """Train; Ctrl-C saves, and the same command goes on from there.

    Raises:
        MissingDependency: PyTorch is not installed.
        UnknownVoice: the name is taken by a packaged voice, or by one of one's own and nobody
            said --replace.
        BadData, Diverged, BackendUnavailable: see :func:`vits.train.finetune.finetune`.
    """
    try:
        import torch
        from tqdm import tqdm

        from vits.train.finetune import Job, finetune
        from vits.train.heap import keep_memory
        from vits.train.recipe import RECIPES
        from vits.train.trainer import Report
    except ImportError as error:
        raise MissingDependency(f"training needs: {WITH_TORCH}") from error
    if check_name(options.name) in packaged():
        raise UnknownVoice(f"{options.name} is the name of a packaged voice; choose another")
    if (options.voices / options.name).exists() and not options.replace:
        raise UnknownVoice(f"there is a voice {options.name!r} already; --replace writes over it")
    keep_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = replace(RECIPES[options.recipe].scaled(options.steps), seed=options.seed)
    job = Job(
        options.name,
        VoiceShelf([options.voices]).path(options.voice),
        tuple(options.data),
        tuple(options.auxiliary),
        licence=options.licence,
        consent=options.consent,
    )
    writer = _writer(options.log)
    bar = tqdm(total=recipe.steps, unit="step", dynamic_ncols=True)

    def listen(report: Report) -> None:
        bar.total = report.total
        if report.done > bar.n + 1:
            bar.initial = bar.n = report.done - 1  # what an earlier run did takes no time now
        bar.update(1)
        figures = {name: f"{value:.3f}" for name, value in report.losses.items()}
        bar.set_postfix({"stage": report.stage, **figures}, refresh=False)
        held_out = {f"held-out-{name}": value for name, value in (report.held_out or {}).items()}
        for name, value in {**report.losses, **held_out}.items():
            if writer:
                writer.add_scalar(f"{report.stage}/{name}", value, report.step)

    def teaching(name: str, step: int, steps: int) -> None:
        bar.set_description(f"{name} {step}/{steps}" if step < steps else "train")

    begun = time.monotonic()
    closing = contextlib.closing(writer) if writer else contextlib.nullcontext()
    with closing, bar, _Stop() as stopped:
        folder = finetune(
            *(job, recipe, options.voices, MODELS / "cache"),
            listener=listen,
            teaching=teaching,
            stop=stopped,
            fresh=options.fresh,
            minutes=options.minutes,
            device=options.device,
        )
    if folder is None:
        sys.stderr.write("stopped; the same command goes on from here\n")
        return INTERRUPTED
    minutes = (time.monotonic() - begun) / 60
    sys.stdout.write(f"{options.name} is ready after {minutes:.1f} minutes: {folder}\n")
    return None


def _minutes(text: str) -> float:
    """A positive number of minutes, for argparse."""
    minutes = float(text)
    if not 0 < minutes < 1e5:
        raise ValueError(text)
    return minutes


class _Stop:
    """True once Ctrl-C was pressed; a second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        sys.stderr.write("\nstopping after this step; again to stop at once\n")

    def __call__(self) -> bool:
        return self._asked


def _writer(folder: Path | None) -> Any:
    """A TensorBoard writer, or None."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependency("--log needs: pip install tensorboard") from error
    return SummaryWriter(str(folder))
