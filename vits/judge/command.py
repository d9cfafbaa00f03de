"""``python -m vits judge NAME --data DIR``: figures, listening pairs, and a plain verdict."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from vits.data.decode import resample
from vits.data.records import Clip, Dataset, read_dataset
from vits.errors import WITH_TORCH, BadData, MissingDependency
from vits.io.packaged import VOICES
from vits.io.voices import VoiceShelf, split_speaker
from vits.judge.figures import Judge, Judged, Said, length_ratio, mel_distance, speak
from vits.speaking import open_synthesizer

SAME_PERSON = 0.851
"""Likeness that 95 of 100 recordings of one person reach (docs/finetuning.md)."""

STYLE = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
STYLE += "table{border-collapse:collapse}td,th{padding:.3rem .6rem;border-bottom:1px solid #8886;"
STYLE += "text-align:left}:root{color-scheme:light dark}"

FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence by the voice and by the person."""

    clip: Clip
    voice: Said
    person: Said

    def mel_distance(self) -> float:
        """Between the two, at the person's rate."""
        ours = resample(self.voice.samples, self.voice.rate_hz, self.person.rate_hz)
        return mel_distance(ours, self.person.samples, self.person.rate_hz)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What ``figures.json`` holds."""

    figures: dict[str, Judged]  # by name: "recordings", the voice, its base; the same sentences
    sentences: int
    trained_on: int  # of these, how many it learned from
    unsaid: int  # further sentences, of which a voice made no sound
    mel_distance: float  # to the recordings of the sentences that were held out
    length_ratio: float  # seconds that the voice takes for each of the recordings'
    verdict: str

    def lines(self) -> list[str]:
        """All of it for people; the verdict is last."""
        unsaid = f"; {self.unsaid} more made no sound" if self.unsaid else ""
        return [
            *(f"{name}: {_line(each)}" for name, each in self.figures.items()),
            f"over {self.sentences} sentences, {self.trained_on} of them learned from{unsaid}",
            f"mel distance to the recordings: {self.mel_distance:.3f}",
            f"length: {self.length_ratio:.2f} times that of the recordings",
            self.verdict,
        ]


def add(commands: Any) -> None:
    """Add the command to an argparse sub-parser collection."""
    parser = commands.add_parser("judge", help="how good a voice is, beside the person it imitates")
    parser.add_argument("voice", help="NAME or NAME/speaker")
    parser.add_argument("--data", required=True, type=Path, help="a data set with clips held out")
    parser.add_argument("--base", help="the voice it was made from, to compare with")
    parser.add_argument("--sentences", type=int, default=40, help="how many it says")
    parser.add_argument("--voices", type=Path, default=VOICES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, help="folder of the report (DATA/judged-NAME)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Judge, write ``report.html`` and ``figures.json``, print the figures and the verdict.

    Raises: see :func:`judge_voice`.
    """
    dataset = read_dataset(options.data)
    out = options.out or dataset.folder / f"judged-{options.voice.replace('/', '-')}"
    lines = judge_voice(
        *(dataset, options.voice, options.base, out),
        shelf=VoiceShelf([options.voices]),
        sentences=options.sentences,
        threads=options.threads,
    )
    sys.stdout.write("\n".join([*lines, f"see {out / 'report.html'}"]) + "\n")


def judge_voice(
    dataset: Dataset,
    name: str,
    base: str | None,
    out: Path,
    *,
    shelf: VoiceShelf,
    sentences: int = 40,
    threads: int = 1,
) -> list[str]:
    """Have the voice ``name``, and ``base``, say the same sentences as the recordings; judge all.

    The sentences are those held out, and then as many that were learned from as make up
    ``sentences``. Those that a voice makes no sound of are left out for everybody.

    Returns:
        The figures and, last, the verdict, a line each. The files are in ``out``.

    Raises:
        BadData: nothing is held out, or nothing of it is said.
        MissingDependency: the judges are not installed.
    """
    held = dataset.of("held-out")
    if not held:
        raise BadData("the data set holds no clip out: make it again with --held-out 0.1")
    usable = [*held, *dataset.of("train")]
    clips = usable[:sentences]
    voices = {who: _say(shelf, who, clips, threads) for who in dict.fromkeys((name, base or name))}
    heard = set.intersection(*({each.number for each in said} for said in voices.values()))
    if not any(clips[number].split == "held-out" for number in heard):
        raise BadData("nothing of the sentences that were held out is said: there is no sound")
    judge = Judge(threads)
    recorded = [
        Said(clip.text, dataset.sound(clip), dataset.rate_hz, number=number)
        for number, clip in enumerate(usable[: max(sentences, len(held))])
    ]
    target = judge.likeness.centroid(recorded[: len(held)])
    sayings = {"recordings": [recorded[number] for number in sorted(heard)]}
    for who, said in voices.items():
        sayings[who] = [each for each in said if each.number in heard]
    near = judge.likeness.centroid(sayings[base]) if base else None
    found = {
        who: judge.judge(said, held[0].language, target, near) for who, said in sayings.items()
    }
    pairs = [
        Pair(clips[ours.number], ours, theirs)
        for ours, theirs in zip(sayings[name], sayings["recordings"], strict=True)
    ]
    judgement = Judgement(
        figures=found,
        sentences=len(pairs),
        trained_on=sum(pair.clip.split == "train" for pair in pairs),
        unsaid=len(clips) - len(pairs),
        mel_distance=float(
            np.mean([pair.mel_distance() for pair in pairs if pair.clip.split == "held-out"])
        ),
        length_ratio=length_ratio(sayings[name], sayings["recordings"]),
        verdict=verdict(found[name], found["recordings"], found[base] if base else None),
    )
    _report(out, judgement, pairs)
    return judgement.lines()


def _say(shelf: VoiceShelf, name: str, clips: Sequence[Clip], threads: int) -> list[Said]:
    voice, speaker = split_speaker(name)
    synthesizer = open_synthesizer(shelf.path(voice), threads=threads)
    return speak(synthesizer, [clip.text for clip in clips], speaker=speaker)


def verdict(voice: Judged, person: Judged, base: Judged | None) -> str:
    """What the figures mean, in words."""
    parts = []
    if voice.likeness >= SAME_PERSON:
        parts.append("It sounds like the same person")
    elif voice.likeness >= 0.75:
        parts.append("It sounds like a relative of the person")
    else:
        parts.append("It does not sound like the person yet")
    more = 100 * (voice.word_errors - (base or person).word_errors)
    if more <= 2:
        parts.append("every word can be understood")
    elif more <= 6:
        parts.append("now and then a word is unclear")
    else:
        parts.append(f"{more:.0f} of 100 words more are misheard than before: hard to follow")
    less = (base or person).quality - voice.quality
    parts.append(
        "clean" if less <= 0.2 else "a little rough" if less <= 0.45 else "noisy or muffled"
    )
    return "; ".join(parts) + "."


def _line(j: Judged) -> str:
    base = f", to the base {j.likeness_base:.3f}" if j.likeness_base is not None else ""
    speed = f", real-time factor {j.real_time:.3f}" if j.real_time else ""
    return (
        f"likeness {j.likeness:.3f} (worst {j.likeness_worst:.3f}{base}), "
        f"word errors {100 * j.word_errors:.1f} %, quality {j.quality:.2f}, "
        f"pitch {j.pitch_hz:.0f} Hz, {j.rate_words_s:.2f} words/s, "
        f"{1000 * j.letter_s:.0f} ms a letter (the middle half of the sentences "
        f"within {1000 * j.letter_spread_s:.0f} ms){speed}"
    )


def _report(out: Path, judgement: Judgement, pairs: Sequence[Pair]) -> None:
    try:
        import soundfile
    except ImportError as error:
        raise MissingDependency(f"judging needs: {WITH_TORCH}") from error
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for pair in (each for each in pairs if each.clip.split == "held-out"):
        number = pair.voice.number
        for who, said in (("voice", pair.voice), ("person", pair.person)):
            soundfile.write(out / f"{who}-{number}.flac", said.samples, said.rate_hz)
        players = "".join(
            f"<td><audio controls preload='none' src='{who}-{number}.flac'></audio></td>"
            for who in ("person", "voice")
        )
        rows.append(f"<tr><td>{escape(pair.clip.text)}</td>{players}</tr>")
    *lines, conclusion = judgement.lines()
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Judgement</title>"
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style><h1>{escape(conclusion)}</h1><ul>{items}</ul>"
        f"<table><tr><th>text</th><th>person</th><th>voice</th></tr>{''.join(rows)}</table>"
    )
    (out / "report.html").write_text(page, "utf-8")
    fresh = out / f"{FIGURES}.new"
    fresh.write_text(json.dumps(asdict(judgement), indent=1))
    fresh.replace(out / FIGURES)  # last: where it is, all of it is
