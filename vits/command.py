"""The command line of the voice library."""

from __future__ import annotations

import argparse
import sys
import wave
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from vits import bench
from vits.arrays import F32
from vits.data import command as data
from vits.engine.base import Style
from vits.errors import WITH_TORCH, MissingDependency, VitsError
from vits.io.packaged import DEFAULT_VOICE, VOICES, packaged, prepare
from vits.io.voices import VoiceShelf, split_speaker
from vits.judge import command as judge
from vits.speaking import open_synthesizer
from vits.studio import command as studio
from vits.train import command as finetune


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, or 1 for an error, which one line explains."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int | None] = options.run
    try:
        return run(options) or 0
    except VitsError as error:
        sys.stderr.write(f"vits: {error}\n")
        return 1
    except OSError as error:  # a disk that is full, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"vits: {where}{error.strerror or type(error).__name__}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("vits", description="A VITS text-to-speech library.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    say = commands.add_parser("say", help="speak text into a WAV file")
    say.add_argument("text", help="the text, or - to read it from standard input")
    say.add_argument("-o", "--out", type=Path, required=True, help="the WAV file to write")
    say.add_argument("--voice", default=DEFAULT_VOICE, help="NAME or NAME/speaker")
    say.add_argument("--length-scale", type=float, help="above 1 is slower")
    say.add_argument("--noise-scale", type=float, help="liveliness of the sound")
    say.add_argument("--noise-w", type=float, help="liveliness of the rhythm")
    say.add_argument("--seed", type=int, help="the same seed says it the same way")
    _engine_options(say)
    say.set_defaults(run=_say)

    taking = commands.add_parser("import", help="take over a voice made elsewhere")
    taking.add_argument("path", type=Path, help="a file or folder in any known format")
    taking.add_argument("--name", required=True, help="what the voice will be called")
    taking.add_argument("--config", type=Path, help="its configuration, if not beside it")
    taking.add_argument("--licence", default="", help="kept with the voice")
    taking.add_argument("--source", default="", help="where it is from; kept with the voice")
    taking.add_argument("--replace", action="store_true", help="write over a voice of that name")
    taking.set_defaults(run=_import)

    converting = commands.add_parser(
        "convert", help="say a recording again as another speaker of a voice"
    )
    converting.add_argument("recording", type=Path, help="a file with one speaker's speech")
    converting.add_argument("-o", "--out", type=Path, required=True, help="the WAV file to write")
    converting.add_argument("--voice", required=True, help="a voice with several speakers")
    converting.add_argument("--from", dest="source", required=True, help="who speaks in it")
    converting.add_argument("--to", dest="target", required=True, help="who shall speak")
    converting.add_argument("--seed", type=int)
    converting.add_argument("--threads", type=int, default=1)
    converting.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    converting.set_defaults(run=_convert)

    listing = commands.add_parser("list", help="the voices on this machine")
    listing.set_defaults(run=_list)

    for making in (data, finetune, judge, studio, bench):
        making.add(commands)
    for each in (say, taking, converting, listing):
        _voices_option(each)
    return parser


def _engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--backend", choices=["auto", "native", "onnx", "torch"], default="auto")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def _voices_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--voices", type=Path, default=VOICES, help="folder of voices (models/voices)"
    )


def _say(options: argparse.Namespace) -> None:
    name, speaker = split_speaker(options.voice)
    if name in packaged():
        prepare(name, options.voices, _progress)
    folder = VoiceShelf([options.voices]).path(name)
    synthesizer = open_synthesizer(
        folder,
        threads=options.threads,
        precision=options.precision,
        backend=options.backend,
        device=options.device,
    )
    defaults = synthesizer.config.defaults
    style = Style(
        noise_scale=_either(options.noise_scale, defaults.noise_scale),
        length_scale=_either(options.length_scale, defaults.length_scale),
        noise_w=_either(options.noise_w, defaults.noise_w),
        seed=options.seed,
    )
    text = sys.stdin.read() if options.text == "-" else options.text
    seconds = write_wav(options.out, synthesizer.speak(text, style, speaker), synthesizer.rate_hz)
    sys.stdout.write(f"{options.out}: {seconds:.2f} s\n")


def _either(given: float | None, default: float) -> float:
    return default if given is None else given


def _import(options: argparse.Namespace) -> None:
    from vits.io.importing import import_voice  # onnx is slow to load, and only needed here

    folder, notes = import_voice(
        options.path,
        options.name,
        options.voices,
        settings=options.config,
        licence=options.licence,
        source=options.source,
        replace_existing=options.replace,
    )
    sys.stdout.write(f"{options.name} is in {folder}\n")
    for note in notes:
        sys.stdout.write(f"  {note}\n")


def _convert(options: argparse.Namespace) -> None:
    try:
        import torch

        from vits.nn.convert import Converter
        from vits.nn.engine import chosen_device
        from vits.nn.model import build
    except ImportError as error:
        raise MissingDependency(f"converting needs PyTorch: {WITH_TORCH}") from error
    from vits.data.decode import decode

    config, tensors = VoiceShelf([options.voices]).open(options.voice)
    device = chosen_device(options.device)
    sound, rate_hz = decode(options.recording)
    torch.set_num_threads(max(1, options.threads))
    converter = Converter(config, build(config, tensors), device)
    pieces = converter.convert(sound, rate_hz, options.source, options.target, seed=options.seed)
    seconds = write_wav(options.out, pieces, config.rate_hz)
    sys.stdout.write(f"{options.out}: {seconds:.2f} s\n")


def _list(options: argparse.Namespace) -> None:
    shelf = VoiceShelf([options.voices])
    voices = shelf.list()
    for config in voices:
        speakers = f", {len(config.speakers)} speakers" if len(config.speakers) > 1 else ""
        languages = " ".join(config.languages) or "any language"
        sys.stdout.write(f"{config.name}: {languages}, {config.rate_hz} Hz{speakers}\n")
        for speaker in config.speakers:
            sys.stdout.write(f"  {config.name}/{speaker}\n")
    for name, problem in shelf.problems().items():
        sys.stdout.write(f"{name}: cannot be used: {problem}\n")


def _progress(share: float, what: str) -> None:
    if 0 < share < 1:
        sys.stderr.write(f"{what} ({share:.0%})\n")


def write_wav(path: Path, pieces: Iterable[F32], rate_hz: int) -> float:
    """Write mono 16-bit PCM as it comes. Returns its length in seconds."""
    samples = 0
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        for piece in pieces:
            file.writeframes((np.clip(piece, -1, 1) * 32767).astype("<i2").tobytes())
            samples += len(piece)
    return samples / rate_hz
