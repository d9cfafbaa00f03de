"""``python -m vits judge NAME --data DIR``: figures, listening pairs, and a plain verdict."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from vits.arrays import F32
from vits.data.records import Clip, Dataset, read_dataset
from vits.errors import WITH_TORCH, BadData, MissingDependency
from vits.io.packaged import VOICES
from vits.io.voices import VoiceShelf, split_speaker
from vits.judge.figures import Judge, Judged, Said, mel_distance, speak
from vits.speaking import open_synthesizer

SAME_PERSON = 0.851
"""Likeness that 95 of 100 recordings of one person reach (docs/finetuning.md)."""

STYLE = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
STYLE += "table{border-collapse:collapse}td,th{padding:.3rem .6rem;border-bottom:1px solid #8886;"
STYLE += "text-align:left}:root{color-scheme:light dark}"


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

    Raises:
        BadData: nothing is held out.
        MissingDependency: the judges are not installed.
    """
    dataset = read_dataset(options.data)
    held = dataset.of("held-out")
    if not held:
        raise BadData("the data set holds no clip out: make it again with --held-out 0.1")
    texts = [clip.text for clip in (*held, *dataset.of("train"))][: options.sentences]
    shelf = VoiceShelf([options.voices])
    judge = Judge(options.threads)
    recorded = [Said(clip.text, dataset.sound(clip), dataset.rate_hz) for clip in held]
    target = judge.likeness.centroid(recorded)
    voice = _say(shelf, options.voice, texts, options.threads)
    base_said = _say(shelf, options.base, texts[:20], options.threads) if options.base else []
    base = judge.likeness.centroid(base_said) if base_said else None
    language = held[0].language
    found = {"recordings": judge.judge(recorded, language, target, base)}
    found[options.voice] = judge.judge(voice, language, target, base)
    if options.base:
        found[options.base] = judge.judge(base_said, language, target, base)
    distance = float(
        np.mean(
            [
                mel_distance(_at(v, dataset.rate_hz), r.samples, dataset.rate_hz)
                for v, r in zip(voice, recorded, strict=False)
            ]
        )
    )
    conclusion = verdict(found[options.voice], found["recordings"], found.get(options.base or ""))
    out = options.out or dataset.folder / f"judged-{options.voice.replace('/', '-')}"
    _report(out, dataset, held, voice, found, conclusion, distance)
    for name, figures in found.items():
        sys.stdout.write(f"{name}: {_line(figures)}\n")
    sys.stdout.write(f"mel distance to the recordings: {distance:.3f}\n")
    sys.stdout.write(f"{conclusion}\nsee {out / 'report.html'}\n")


def _say(shelf: VoiceShelf, name: str, texts: Sequence[str], threads: int) -> list[Said]:
    voice, speaker = split_speaker(name)
    return speak(open_synthesizer(shelf.path(voice), threads=threads), texts, speaker=speaker)


def _at(said: Said, rate_hz: int) -> F32:
    from vits.data.decode import resample

    return resample(said.samples, said.rate_hz, rate_hz)


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
        f"pitch {j.pitch_hz:.0f} Hz, {j.rate_words_s:.2f} words/s{speed}"
    )


def _report(
    out: Path,
    dataset: Dataset,
    held: Sequence[Clip],
    voice: Sequence[Said],
    found: dict[str, Judged],
    conclusion: str,
    distance: float,
) -> None:
    try:
        import soundfile
    except ImportError as error:
        raise MissingDependency(f"judging needs: {WITH_TORCH}") from error
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: asdict(each) for name, each in found.items()}
    (out / "figures.json").write_text(
        json.dumps({"figures": figures, "mel_distance": distance, "verdict": conclusion}, indent=1)
    )
    rows = []
    for number, (clip, said) in enumerate(zip(held, voice, strict=False)):
        soundfile.write(out / f"voice-{number}.flac", said.samples, said.rate_hz)
        soundfile.write(out / f"person-{number}.flac", dataset.sound(clip), dataset.rate_hz)
        players = "".join(
            f"<td><audio controls preload='none' src='{who}-{number}.flac'></audio></td>"
            for who in ("person", "voice")
        )
        rows.append(f"<tr><td>{escape(clip.text)}</td>{players}</tr>")
    lines = "".join(f"<li>{escape(name)}: {_line(each)}</li>" for name, each in found.items())
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Judgement</title>"
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style><h1>{escape(conclusion)}</h1><ul>{lines}</ul>"
        f"<p>Mel distance to the recordings: {distance:.3f}</p>"
        f"<table><tr><th>text</th><th>person</th><th>voice</th></tr>{''.join(rows)}</table>"
    )
    (out / "report.html").write_text(page, "utf-8")
