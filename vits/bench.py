"""How fast this machine speaks: ``python -m vits bench``.

RTF (real-time factor) is seconds of work per second of sound, text front included, over forty
sentences of 3 to 40 words. First sound is the time from text to the first samples, on one thread.
``decoder_snr_db`` compares the sound with that of the portable fp32 kernels on the same noise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from vits import layout
from vits.config import Architecture
from vits.engine.base import Backend, Engine, Precision, Style
from vits.engine.native import NativeEngine
from vits.engine.native_api import NUMBERS
from vits.io.folder import read_voice
from vits.io.packaged import DEFAULT_VOICE, VOICES, packaged, prepare
from vits.io.voices import VoiceShelf
from vits.speaking import VoiceSynthesizer, open_synthesizer
from vits.text.front import front

_STORY = (
    "the old harbour lay quiet under a pale morning sky while small boats moved slowly between "
    "long wooden piers and a keeper counted lamps along the wall before he went home to sleep"
)


def _sentence(start: int, count: int) -> str:
    story = _STORY.split()
    words = [story[(start + i) % len(story)] for i in range(count)]
    return " ".join(words).capitalize() + "."


SENTENCES = tuple(_sentence(7 * i, 3 + i * 37 // 39) for i in range(40))
"""Forty stretches of one story, of 3 to 40 words."""

FIRST = {
    "words_15": _sentence(0, 15),
    "words_64": " ".join(_sentence(16 * i, 16) for i in range(4)),
}
"""What the first sound is measured on: a sentence, and a paragraph of four."""

SEED = 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench`` to the commands of :mod:`vits.command`."""
    parser = commands.add_parser("bench", help="measure how fast this machine speaks")
    parser.add_argument("--voice", default=DEFAULT_VOICE, help="a voice on this machine")
    parser.add_argument("--voices", type=Path, default=VOICES, help="folder of voices")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--backend", choices=["auto", "native", "onnx", "torch"], default="auto")
    parser.add_argument("--rounds", type=int, default=3, help="times each sentence is spoken")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    if options.voice in packaged():
        prepare(options.voice, options.voices)
    folder = VoiceShelf([options.voices]).path(options.voice)
    found = measure(
        folder,
        precision=options.precision,
        backend=options.backend,
        rounds=max(1, options.rounds),
    )
    sys.stdout.write(json.dumps(found, indent=1) + "\n" if options.json else _table(found))


def measure(
    folder: Path, *, precision: Precision = "auto", backend: Backend = "auto", rounds: int = 3
) -> dict[str, Any]:
    """The figures of one voice, as ``--json`` prints them.

    Raises:
        VitsError: the voice cannot be opened or spoken with.
    """
    found: dict[str, Any] = {"voice": folder.name, "cpu": _processor()}
    rtf, first = {}, {}
    for threads in (1, 2):
        synthesizer = open_synthesizer(
            folder, threads=threads, precision=precision, backend=backend
        )
        work = [speak_all(synthesizer) for _ in range(rounds + 1)][1:]  # the first warms up
        rtf[f"threads_{threads}"] = round(statistics.median(work), 5)
        if threads == 1:
            for name, text in FIRST.items():
                times = [first_sound(synthesizer, text) for _ in range(5 * rounds)]
                first[name] = round(1e3 * statistics.median(times), 2)
            one = synthesizer
    found |= {"rtf": rtf, "first_audio_ms": first}
    return found | _inside(folder, one, rtf["threads_1"])


def speak_all(synthesizer: VoiceSynthesizer) -> float:
    """RTF of all :data:`SENTENCES`."""
    begun, samples = time.perf_counter(), 0
    for text in SENTENCES:
        samples += sum(map(len, synthesizer.speak(text)))
    return (time.perf_counter() - begun) / (samples / synthesizer.rate_hz)


def first_sound(synthesizer: VoiceSynthesizer, text: str) -> float:
    """Seconds from text to the first samples; the rest is spoken too, but not timed."""
    begun = time.perf_counter()
    pieces = synthesizer.speak(text)
    next(pieces)
    took = time.perf_counter() - begun
    for _ in pieces:
        pass
    return took


def _inside(folder: Path, synthesizer: VoiceSynthesizer, rtf: float) -> dict[str, Any]:
    """What is known of the native engine alone: its kernels, quality, and share of the peak."""
    engine = synthesizer.engine
    if not isinstance(engine, NativeEngine):
        return {"engine": {"backend": type(engine).__name__}, "decoder_snr_db": None}
    peaks = {name: engine.peak(name, 0.2) for name in NUMBERS}
    work = work_per_second(engine)
    config, tensors = read_voice(folder)
    reference = NativeEngine(config, tensors, instructions="portable")
    return {
        "engine": {
            "backend": "native",
            "instructions": engine.instructions,
            "numbers": engine.number,
            "giga_multiply_adds_per_second_of_sound": round(work / 1e9, 3),
            "peak_giga_multiply_adds": {n: round(p / 1e9, 1) for n, p in peaks.items() if p},
            "share_of_peak": {n: round(work / rtf / p, 3) for n, p in peaks.items() if p},
        },
        "decoder_snr_db": round(_snr_db(reference, engine), 1),
    }


def _snr_db(reference: Engine, engine: Engine) -> float:
    read, ratios = front(engine.config), []
    for text in SENTENCES[::10]:
        for ids in read.sentences(text):
            wanted = reference.whole(ids, style=Style(seed=SEED)).astype(np.float64)
            error = engine.whole(ids, style=Style(seed=SEED)) - wanted
            ratios.append(np.square(wanted).sum() / max(np.square(error).sum(), 1e-20))
    return float(10 * np.log10(statistics.median(ratios)))


def work_per_second(engine: Engine) -> float:
    """Multiply-adds that a second of sound would take with no trick, on the average sentence."""
    read, hop = front(engine.config), engine.config.hop
    work, frames = 0.0, 0
    for text in SENTENCES:
        for ids in read.sentences(text):
            made = int(engine.durations(ids, style=Style(seed=SEED)).sum())
            work += multiply_adds(engine.config.architecture, len(ids), made)
            frames += made
    return work / (frames * hop / engine.config.rate_hz)


def multiply_adds(a: Architecture, symbols: int, frames: int) -> int:
    """Of a sentence: every weight, as often as it is used, and the attention's products."""
    rows_in = [frames]
    for rate in a.upsample_rates:
        rows_in.append(rows_in[-1] * rate)
    total = a.n_layers * 2 * symbols * symbols * a.hidden_channels
    for name, shape in layout.speaking(a).items():
        if len(shape) != 3 or "emb" in name:
            continue
        part, _, rest = name.partition(".")
        rows = symbols if part in {"enc_p", "dp"} else frames
        number = int(rest.split(".")[1]) if rest.startswith(("ups.", "resblocks.")) else 0
        if rest.startswith("ups."):
            rows = rows_in[number]
        elif rest.startswith("resblocks."):
            rows = rows_in[1 + number // len(a.resblock_kernel_sizes)]
        elif rest.startswith("conv_post"):
            rows = rows_in[-1]
        elif "cond" in rest:
            rows = 1
        total += rows * int(np.prod(shape))
    return total


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = info.read_text().splitlines() if info.is_file() else []
    name = next((line.partition(":")[2].strip() for line in names if "model name" in line), "")
    return f"{name or platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _table(found: dict[str, Any]) -> str:
    engine, first = found["engine"], found["first_audio_ms"]
    rows = {
        "voice": found["voice"],
        "processor": found["cpu"],
        "engine": " ".join(engine.get(key, "") for key in ("backend", "instructions", "numbers")),
        "RTF, 1 thread": found["rtf"]["threads_1"],
        "RTF, 2 threads": found["rtf"]["threads_2"],
        "first sound, 15 words": f"{first['words_15']} ms",
        "first sound, 64 words": f"{first['words_64']} ms",
        "sound against fp32": f"{found['decoder_snr_db']} dB",
        "share of the peak": engine.get("share_of_peak", "not known"),
    }
    return "".join(f"{name:<24}{value}\n" for name, value in rows.items())
