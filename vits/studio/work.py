"""``python -m vits.studio.work FOLDER``: make the voice that is ordered in a folder.

Each line of its output is a :class:`~vits.studio.orders.Progress`. It may be stopped or killed at
any moment: started again in the same folder, it goes on. With ``--watched`` it stops by itself
when its standard input ends, as it does when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from vits.config import VoiceConfig
from vits.data.build import Plan, build
from vits.data.records import Dataset, minutes, read_dataset
from vits.errors import BadData, MissingDependency
from vits.io.manifest import MODELS
from vits.studio.orders import (
    RECORDINGS,
    Heard,
    Kind,
    Order,
    Progress,
    Stage,
    read_order,
    write_progress,
)

STOPPED, BUSY = 130, 75
"""Exit codes: it can be gone on with; another process is at work in this folder."""

NICE = 19
SAVE_STEPS = 50
TELL_S = 0.5
UNUSABLE = "no clip could be used: "


class Failed(Exception):
    """It cannot be made. ``kind`` and ``why`` are those of :class:`Progress`."""

    def __init__(self, kind: Kind, *why: str) -> None:
        super().__init__(kind)
        self.kind: Kind = kind
        self.why = why


class Work:
    """One order on its way. ``tell`` gets each progress."""

    def __init__(self, folder: Path, tell: Callable[[Progress], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._order = read_order(folder)
        self._progress = Progress("data")
        self._begun_s = self._told_s = 0.0
        self._first_share = 0.0
        self.stopping = threading.Event()
        self.savable = False

    def run(self) -> bool:
        """Make it, from where it was left; False if it was stopped.

        Raises :class:`Failed` and what went wrong otherwise.
        """
        order, base = self._order, VoiceConfig.read(Path(self._order.base))
        if (Path(order.shelf) / order.voice).exists():
            raise Failed("taken")
        self._say("data", 0)
        dataset = self._data(base)
        self._progress = replace(self._progress, heard=_heard(dataset))
        self._check(dataset, base)
        if not (self._folder / "voices" / order.voice).is_dir() and not self._train():
            return False
        self._say("judge", 0)
        figures, verdict = self._judge()
        self._publish()
        self._progress = replace(self._progress, figures=figures, verdict=verdict)
        self._say("done", 1)
        return True

    def failed(self, kind: Kind, why: Sequence[str] = ()) -> None:
        """Say that, and why, it came to nothing."""
        self._progress = replace(self._progress, failure=kind, why=tuple(why))
        self._say("failed", 1)

    # --- the stages

    def _data(self, base: VoiceConfig) -> Dataset:
        folder, finished = self._folder / "data", self._folder / "data" / "finished"
        if finished.is_file():
            return read_dataset(folder)
        inputs = sorted(path for path in (self._folder / RECORDINGS).iterdir() if path.is_file())
        if sum(map(_unpacked_bytes, inputs)) > self._order.most_bytes:
            raise Failed("long")
        # Transcripts beside a recording are found through it.
        inputs = [path for path in inputs if path.suffix not in (".txt", ".lab")]
        plan = Plan(
            self._order.voice,
            rate_hz=base.rate_hz,
            language=self._order.language or None,
            threads=_threads(self._order),
        )
        try:
            dataset = build(inputs, folder, plan, self._heard_of)
        except BadData as error:
            raise Failed("unusable", *str(error).removeprefix(UNUSABLE).split("; ")) from error
        finished.touch()
        return dataset

    def _heard_of(self, line: str) -> None:
        found = re.match(r"(\d+) of (\d+)", line)
        if found:
            self._say("data", (int(found[1]) - 1) / max(1, int(found[2])))

    def _check(self, dataset: Dataset, base: VoiceConfig) -> None:
        language = Counter(clip.language for clip in dataset.clips).most_common(1)[0][0]
        if language not in {tag.split("-")[0].lower() for tag in base.languages}:
            raise Failed("language", language)
        held = dataset.of("held-out")
        if not held or minutes(dataset.of("train")) * 60 < self._order.least_s:
            raise Failed("short")

    def _train(self) -> bool:
        import torch

        from vits.train.finetune import Job, finetune
        from vits.train.heap import keep_memory
        from vits.train.recipe import RECIPES
        from vits.train.trainer import Diverged, Report

        order = self._order
        keep_memory()
        torch.set_num_threads(_threads(order))
        recipe = RECIPES[order.recipe].scaled(order.steps)
        before = {
            stage.name: sum(each.steps for each in recipe.stages[:number])
            for number, stage in enumerate(recipe.stages)
        }

        def listen(report: Report) -> None:
            self._say("train", (before[report.stage] + report.step) / recipe.steps)

        def teaching(name: str, step: int, steps: int) -> None:
            del name
            self._say("teach", step / max(1, steps))

        job = Job(
            order.voice,
            Path(order.base),
            (self._folder / "data",),
            licence=order.licence,
            consent=order.consent,
        )
        for fresh in (False, True):
            self.savable = True
            try:
                made = finetune(
                    *(job, recipe, self._folder / "voices", MODELS / "cache"),
                    listener=listen,
                    teaching=teaching,
                    stop=self.stopping.is_set,
                    fresh=fresh,
                    save_every=SAVE_STEPS,
                )
            except Diverged as error:
                raise Failed("diverged") from error
            except BadData:
                if fresh:
                    raise
                continue  # an earlier version of the program left its state here
            finally:
                self.savable = False
            return made is not None
        return False

    def _judge(self) -> tuple[dict[str, float], str]:
        """The new voice's figures and the verdict; nothing where it cannot be judged."""
        from vits.command import main

        order, shelf, out = self._order, self._folder / "voices", self._folder / "judged"
        base = Path(order.base).name
        if not (shelf / base).is_dir():
            shutil.copytree(order.base, shelf / base)
        arguments = ["judge", order.voice, "--data", str(self._folder / "data"), "--base", base]
        arguments += ["--voices", str(shelf), "--sentences", str(order.sentences)]
        arguments += ["--threads", str(_threads(order)), "-o", str(out)]
        try:
            code = main(arguments)
            return ({}, "") if code else _judged(out / "figures.json", order.voice)
        except Exception as error:  # judges may fail on what hardly sounds: the voice is made
            sys.stderr.write(f"not judged: {type(error).__name__}\n")
            return {}, ""

    def _publish(self) -> None:
        """Put the voice on the shelf: whole or not at all."""
        shelf, name = Path(self._order.shelf), self._order.voice
        shelf.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=shelf))
        try:
            shutil.copytree(self._folder / "voices" / name, part / name)
            if (shelf / name).exists():
                raise Failed("taken")
            (part / name).rename(shelf / name)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _say(self, stage: Stage, share: float) -> None:
        now_s = time.monotonic()
        if stage != self._progress.stage or not self._begun_s:
            self._begun_s, self._first_share = now_s, share
        elif now_s - self._told_s < TELL_S and 0 < share < 1:
            return
        gained = share - self._first_share
        left_s = (now_s - self._begun_s) * (1 - share) / gained if gained > 0.01 else None
        self._told_s = now_s
        self._progress = replace(self._progress, stage=stage, share=round(share, 4), left_s=left_s)
        write_progress(self._folder, self._progress)
        self._tell(self._progress)


def _heard(dataset: Dataset) -> Heard:
    figures = [clip.figures for clip in dataset.clips]
    return Heard(
        minutes=round(minutes(dataset.of("train")), 2),
        clips=len(dataset.of("train")),
        held_out=len(dataset.of("held-out")),
        left_out=len(dataset.rejected),
        why=dict(Counter(each.why for each in dataset.rejected).most_common(5)),
        quality=round(statistics.median(each.quality for each in figures), 2),
        pitch_hz=round(statistics.median([each.pitch_hz or 0 for each in figures]), 1),
    )


def _judged(file: Path, voice: str) -> tuple[dict[str, float], str]:
    data = json.loads(file.read_text("utf-8"))
    found = data["figures"][voice]
    wanted = ("likeness", "word_errors", "quality", "real_time")
    return {name: round(found[name], 4) for name in wanted if found.get(name)}, data["verdict"]


def _unpacked_bytes(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as bundle:
            return sum(member.file_size for member in bundle.infolist())
    except (zipfile.BadZipFile, OSError):
        return path.stat().st_size


def _threads(order: Order) -> int:
    return order.threads or max(1, (os.cpu_count() or 2) - 1)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is at work in ``folder``; holds it while the block runs."""
    with (folder / "lock").open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # no such lock there: whoever starts the work keeps to one at a time
        except OSError:
            yield False
            return
        yield True


def main(arguments: Sequence[str] | None = None) -> int:
    """Work; the exit code is 0 also for what came to nothing, which the last progress says."""
    parser = argparse.ArgumentParser("vits.studio.work")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--watched", action="store_true")
    options = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(NICE)
    # What libraries print is not progress.
    with alone(options.folder) as free, _own_output() as output:
        if not free:
            return BUSY

        def tell(progress: Progress) -> None:
            output.write(progress.line() + "\n")
            output.flush()

        work = Work(options.folder, tell)
        _stop_when_asked(work, watched=options.watched)
        try:
            return 0 if work.run() else STOPPED
        except Failed as error:
            work.failed(error.kind, error.why)
        except (MissingDependency, ImportError):
            work.failed("missing")
        except Exception as error:  # it would fail again: better told than tried once more
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            work.failed("disk" if _is_full(error) else "fault", [where])
    return 0


def _is_full(error: BaseException | None) -> bool:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or (error is not None and _is_full(error.__cause__))


@contextlib.contextmanager
def _own_output() -> Iterator[IO[str]]:
    """Standard output for ourselves; what others write there goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        yield output


def _stop_when_asked(work: Work, *, watched: bool) -> None:
    def stop(*_: object) -> None:
        work.stopping.set()
        if not work.savable:
            # Whatever was finished is on the disk: there is nothing to wait for.
            os._exit(STOPPED)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if watched:

        def watch() -> None:
            sys.stdin.buffer.read()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
