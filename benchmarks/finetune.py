"""How good a fine-tuned voice is after so many minutes: the tables of docs/finetuning.md.

Target: the English Asterisk prompts (one speaker, CC BY-SA 3.0), which Debian packages and no wheel
carries, and the same recordings made into two other people (formants and pitch changed apart from
one another by Praat). Unpack two packages and say where::

    apt-get download asterisk-core-sounds-en asterisk-core-sounds-en-g722
    for each in *.deb; do dpkg -x "$each" prompts; done
    PARLEY_PROMPTS=prompts python -m benchmarks finetune

Recordings and sentences that a voice is judged by are in neither what it learns from nor what is
held out of that. It takes hours: a training of each row, by the command that everybody has.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from benchmarks import harness
from vits.data.build import Plan, build
from vits.data.records import Clip, Dataset, read_dataset
from vits.io.packaged import prepare
from vits.judge.figures import Judge, Judged, Said, speak
from vits.speaking import open_synthesizer

WHERE = "PARLEY_PROMPTS"
SOUNDS = Path("usr/share/asterisk/sounds/en_US_f_Allison")
TEXTS = Path("usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
CHOSEN = Path(__file__).with_name("finetune_prompts.json")
"""Which prompts are learned from, held out of that, and judged by: sentences of four words and
more, 2 to 12 s long, none twice; 182 s, 51 s and 188 s, drawn once by lot."""

BASE = "en_US-joe-medium"
BASE_SAYS = 20  # sentences

PERSON = "the person"
WARPED = {"a man": (0.86, 0.65), "a child": (1.12, 1.3)}
"""Ratios of formants and of pitch."""

PRAAT = ("praat-parselmouth==0.4.5", "soundfile==0.13.1")
WARP = """
import json, sys, numpy, parselmouth, soundfile
from parselmouth.praat import call
formants, pitch, *paths = json.load(sys.stdin)
for path in paths:
    samples, rate = soundfile.read(path, dtype="float64")
    sound = parselmouth.Sound(samples, rate)
    track = call(sound, "To Pitch", 0, 75, 500)
    median = call(track, "Get quantile", 0, 0, 0.5, "Hertz")
    warped = call([sound, track], "Change gender", formants, median * pitch, 1.0, 1.0)
    made = warped.resample(rate).values[0][: len(samples)]
    made *= numpy.sqrt((samples**2).mean() / max(1e-12, (made**2).mean()))
    soundfile.write(path, made.clip(-1, 1), rate, format="FLAC")
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One training."""

    speaker: str
    minutes: float
    seed: int


TRIALS = (
    *(Trial(PERSON, 10, seed) for seed in (1, 2)),
    Trial(PERSON, 60, 1),
    *(Trial(speaker, 10, 1) for speaker in WARPED),
)
"""One speaker's after another's: what they are judged by is measured once."""

QUICK = (Trial(PERSON, 2, 1),)


def run(out: Path, quick: bool) -> None:
    """Write ``finetune.json`` into ``out`` and print the table."""
    where = os.environ.get(WHERE)
    if not where:
        sys.exit(f"{WHERE} is not set: see the first lines of benchmarks/finetune.py")
    with tempfile.TemporaryDirectory() as scratch:
        rows = list(_found(Path(where), Path(scratch), QUICK if quick else TRIALS))
    harness.save(out, "finetune", {"machine": harness.machine(), "rows": rows})
    head = ("voice", "minutes", "steps", "likeness", "worst", "to base", "words %", "quality", "Hz")
    sys.stdout.write(harness.table("Fine-tuning", [head, *map(_cells, rows)]) + "\n")


def _found(prompts: Path, scratch: Path, trials: Iterable[Trial]) -> Iterator[dict[str, object]]:
    chosen = json.loads(CHOSEN.read_text("utf-8"))
    _lay_out(prompts, scratch / "recordings", [name for names in chosen.values() for name in names])
    whole = build([scratch / "recordings"], scratch / "whole", Plan("Allison", language="en"))
    shelf = scratch / "voices"
    shelf.mkdir()
    prepare(BASE, shelf)
    judge = Judge()
    person = _chosen(whole, scratch / "person", chosen)
    for speaker, theirs in groupby(trials, lambda trial: trial.speaker):
        learnt, test = person if speaker == PERSON else _warped(person, scratch, speaker)
        judged = _Test(speaker, test, shelf, judge)
        yield from judged.beside()
        for trial in theirs:
            yield judged.trial(trial, learnt)


def _lay_out(prompts: Path, folder: Path, names: Iterable[str]) -> None:
    """The prompts of these names, each with its transcript beside it."""
    folder.mkdir()
    with gzip.open(prompts / TEXTS, "rt", encoding="utf-8", errors="replace") as lines:
        said = dict(line.strip().split(": ", 1) for line in lines if ": " in line)
    flat = {name.replace("/", "_"): name for name in said}
    for name in names:
        shutil.copy(prompts / SOUNDS / f"{flat[name]}.g722", folder / f"{name}.g722")
        (folder / f"{name}.txt").write_text(said[flat[name]].strip(), "utf-8")


def _chosen(whole: Dataset, folder: Path, chosen: dict[str, list[str]]) -> tuple[Dataset, Dataset]:
    """What is learned from and held out of that; and what is judged by."""
    of = {Path(clip.source).stem: clip for clip in whole.clips}
    if missing := {name for names in chosen.values() for name in names} - set(of):
        sys.exit(f"not usable, or not among the prompts: {', '.join(sorted(missing))}")
    train = [replace(of[name], split="train") for name in chosen["train"]]
    held = [replace(of[name], split="held-out") for name in chosen["held-out"]]
    test = [replace(of[name], split="held-out") for name in chosen["judged"]]
    return (
        _copied(whole, folder / "learnt", train + held),
        _copied(whole, folder / "test", test),
    )


def _copied(source: Dataset, folder: Path, clips: list[Clip]) -> Dataset:
    copy = Dataset(folder, source.speaker, source.rate_hz, tuple(clips), ())
    (folder / "clips").mkdir(parents=True)
    for clip in clips:
        shutil.copy(source.sound_path(clip), copy.sound_path(clip))
    copy.save()
    return copy


def _warped(person: tuple[Dataset, Dataset], scratch: Path, name: str) -> tuple[Dataset, Dataset]:
    """The same recordings as somebody else would have made them."""
    formants, pitch = WARPED[name]
    folder = scratch / name.replace(" ", "-")
    made = []
    for dataset in person:
        clips = [
            replace(
                c, figures=replace(c.figures, pitch_hz=(c.figures.pitch_hz or 0) * pitch or None)
            )
            for c in dataset.clips
        ]
        copy = _copied(dataset, folder / dataset.folder.name, clips)
        paths = [str(copy.sound_path(clip)) for clip in copy.clips]
        subprocess.run(
            [str(harness.peer_python("praat", *PRAAT)), "-c", WARP],
            input=json.dumps([formants, pitch, *paths]).encode(),
            check=True,
        )
        made.append(read_dataset(copy.folder))
    return made[0], made[1]


class _Test:
    """What one speaker's voices are judged by: read, and measured, once."""

    def __init__(self, speaker: str, test: Dataset, shelf: Path, judge: Judge) -> None:
        self._speaker, self._shelf, self._judge = speaker, shelf, judge
        self._texts = [clip.text for clip in test.clips]
        self._recorded = [Said(c.text, test.sound(c), test.rate_hz) for c in test.clips]
        self._target = judge.likeness.centroid(self._recorded)
        self._base_said = speak(open_synthesizer(shelf / BASE), self._texts[:BASE_SAYS])
        self._base = judge.likeness.centroid(self._base_said)

    def _row(self, name: str, said: list[Said], **more: object) -> dict[str, object]:
        figures: Judged = self._judge.judge(said, "en", self._target, self._base)
        return {"voice": name, **more, **asdict(figures)}

    def beside(self) -> list[dict[str, object]]:
        """Rows of the recordings and of the base."""
        return [
            self._row(f"{self._speaker}: recordings", self._recorded),
            self._row(f"{self._speaker}: {BASE}", self._base_said),
        ]

    def trial(self, trial: Trial, learnt: Dataset) -> dict[str, object]:
        """Train, and the voice's row."""
        begun = time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "vits", "finetune", "--data", str(learnt.folder)),
                *("-o", "made", "--minutes", str(trial.minutes), "--seed", str(trial.seed)),
                *("--voice", BASE, "--voices", str(self._shelf), "--consent", "-"),
                *("--licence", "-", "--fresh", "--replace"),
            ],
            check=True,
            cwd=harness.ROOT,
            stderr=subprocess.PIPE,
        )
        taken = (time.perf_counter() - begun) / 60  # teaching a base anew is in it, the first time
        steps = re.findall(rb"/(\d+) \[", done.stderr)
        return self._row(
            f"{self._speaker}, seed {trial.seed}",
            speak(open_synthesizer(self._shelf / "made"), self._texts),
            asked_minutes=trial.minutes,
            minutes=round(taken, 1),
            steps=int(steps[-1]) if steps else None,
        )


def _cells(row: dict[str, object]) -> list[object]:
    keys = ("voice", "minutes", "steps", "likeness", "likeness_worst", "likeness_base")
    words = 100 * float(str(row["word_errors"]))
    return [*(row.get(k, "") for k in keys), words, row["quality"], row["pitch_hz"]]
