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
from vits.errors import BadData, DiskFull, MissingDependency
from vits.io.manifest import MODELS
from vits.io.voices import VoiceShelf
from vits.studio.orders import (
    RECORDINGS,
    VOICES,
    Heard,
    Kind,
    Order,
    Progress,
    Stage,
    is_published,
    read_order,
    read_progress,
    write_progress,
)
from vits.text import scripts

STOPPED, BUSY = 130, 75
"""Exit codes: it can be gone on with; another process is at work in this folder."""

NICE = 19
SAVE_STEPS = 50
TELL_S = 0.5
OOM_SCORE = 1000
"""The first to go where memory ends: it goes on from what it saved, and the bot talks on."""
UNUSABLE = "no clip could be used: "
UNFIT = "the clips are too short, or the voice to begin from cannot read their text"


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
        order = self._order
        if is_published(self._folder, order):
            # Stopped between putting it there and saying so.
            known = read_progress(self._folder) or self._progress
            self._progress = replace(known, failure="", why=() if known.failure else known.why)
            self._say("done", 1)
            return True
        if (Path(order.shelf) / order.voice).exists():
            raise Failed("taken")
        base = VoiceConfig.read(Path(order.base))
        self._say("data", 0)
        dataset = self._data(base)
        self._progress = replace(self._progress, heard=_heard(dataset))
        self._check(dataset, base)
        if not (self._folder / VOICES / order.voice).is_dir() and not self._train():
            return False
        self._say("judge", 0)
        self._judge()
        self._say("judge", 1)
        self._publish()
        self._say("done", 1)
        return True

    def see_through(self) -> int:
        """:meth:`run`, and tell what came of it, whatever that is; the exit code."""
        try:
            return 0 if self.run() else STOPPED
        except Failed as error:
            self._failed(error.kind, error.why)
        except (MissingDependency, ImportError):
            self._failed("missing")
        except Exception as error:  # it would fail again: better told than tried once more
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            self._failed("disk" if _is_full(error) else "fault", [_where(error)])
        return 0

    def _failed(self, kind: Kind, why: Sequence[str] = ()) -> None:
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
        except DiskFull:
            raise
        except BadData as error:
            raise Failed("unusable", *_reasons(error)) from error
        finished.touch()
        return dataset

    def _heard_of(self, line: str) -> None:
        found = re.match(r"(\d+) of (\d+)", line)
        if found:
            self._say("data", (int(found[1]) - 1) / max(1, int(found[2])))

    def _check(self, dataset: Dataset, base: VoiceConfig) -> None:
        language = Counter(clip.language for clip in dataset.clips).most_common(1)[0][0]
        spoken = set(map(scripts.base, base.languages))
        if spoken and language not in spoken:  # a voice need not say what it speaks
            raise Failed("language", language)
        held = dataset.of("held-out")
        if not held or minutes(dataset.of("train")) * 60 < self._order.least_s:
            raise Failed("short")

    def _train(self) -> bool:
        import torch

        from vits.train.finetune import Job, finetune
        from vits.train.heap import keep_memory
        from vits.train.recipe import RECIPES
        from vits.train.state import NotSaved
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
                    *(job, recipe, self._folder / VOICES, MODELS / "cache"),
                    listener=listen,
                    teaching=teaching,
                    stop=self.stopping.is_set,
                    fresh=fresh,
                    save_every=SAVE_STEPS,
                )
            except Diverged as error:
                raise Failed("diverged") from error
            except NotSaved as error:
                raise Failed("disk") from error
            except BadData as error:
                if fresh:
                    raise Failed("unusable", UNFIT) from error
                continue  # an earlier version of the program left its state here
            finally:
                self.savable = False
            return made is not None
        return False

    def _judge(self) -> None:
        """Note the new voice's figures and the verdict; why not, where it cannot be judged."""
        from vits.judge.command import FIGURES, judge_voice

        order, out = self._order, self._folder / "judged"
        base = Path(order.base)
        try:
            if not (out / FIGURES).is_file():
                judge_voice(
                    *(read_dataset(self._folder / "data"), order.voice, base.name, out),
                    shelf=VoiceShelf([self._folder / VOICES, base.parent]),
                    sentences=order.sentences,
                    threads=_threads(order),
                )
            figures, verdict = _judged(out / FIGURES, order.voice)
        except Exception as error:  # judges may fail on what hardly sounds: the voice is made
            sys.stderr.write(f"not judged: {type(error).__name__}: {error}\n")
            self._progress = replace(self._progress, why=(_where(error),))
        else:
            self._progress = replace(self._progress, figures=figures, verdict=verdict)

    def _publish(self) -> None:
        """Put the voice on the shelf: whole or not at all."""
        shelf, name = Path(self._order.shelf), self._order.voice
        shelf.mkdir(parents=True, exist_ok=True)
        part = shelf / f".{name}.{self._folder.name}"
        shutil.rmtree(part, ignore_errors=True)  # of a life that was killed here
        self.savable = True  # it takes a moment, and half of it would stay
        try:
            (part / name).mkdir(parents=True)
            for path in (self._folder / VOICES / name).iterdir():
                _copy(path, part / name / path.name)
            if (shelf / name).exists():
                raise Failed("taken")
            (part / name).rename(shelf / name)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            self.savable = False

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
        with contextlib.suppress(OSError):  # a full disk is no reason not to tell of it
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


def _reasons(error: BadData) -> list[str]:
    """What is wrong with the recordings, without our own names for them."""
    parts = str(error).removeprefix(UNUSABLE).split("; ")
    return [re.sub(r"^\d{3}\.\w+: ", "", part) for part in parts]


def _copy(source: Path, target: Path) -> None:
    """Copy a file, and have it on the disk."""
    shutil.copy(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _where(error: Exception) -> str:
    """Its class and place; what it says may quote the recordings."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"


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
    stand_back()
    # What libraries print is not progress.
    with alone(options.folder) as free, _own_output() as output:
        if not free:
            return BUSY

        def tell(progress: Progress) -> None:
            output.write(progress.line() + "\n")
            output.flush()

        work = Work(options.folder, tell)
        _stop_when_asked(work, watched=options.watched)
        return work.see_through()


def stand_back() -> None:
    """Let the bot go first: at the processor, and where there is not memory enough for both."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    with contextlib.suppress(OSError):  # not everywhere, and not in every container
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    # Read when PyTorch is loaded. Threads that spin at their barriers take the processor from one
    # another when somebody else is on it, too: a step was seen to take ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _is_full(error: BaseException | None) -> bool:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or isinstance(error, DiskFull) or (error is not None and _is_full(error.__cause__))


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
