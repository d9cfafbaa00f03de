"""``python -m vits data INPUT... --speaker NAME -o DIR``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from vits.data.build import Plan, build
from vits.data.coverage import symbols_of
from vits.data.records import minutes
from vits.data.report import write_report
from vits.io.packaged import DEFAULT_VOICE, VOICES


def add(commands: Any) -> None:
    """Add the command to an argparse sub-parser collection."""
    parser = commands.add_parser(
        "data",
        help="make a training set from recordings, zips, videos, with or without text",
        description="Make a training set of one person's speech. Inputs add up: what the folder "
        "holds already stays, also if its recordings are no longer given, and a text given later "
        "takes the place of a transcribed one. Stopped, the same command goes on.",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT")
    parser.add_argument("--speaker", required=True, help="whose voice it is")
    parser.add_argument("-o", "--out", required=True, type=Path, help="folder of the data set")
    parser.add_argument(
        "--language", help="of the speech, such as en or zh; found out if not given"
    )
    parser.add_argument("--rate", type=int, default=22_050, help="samples a second")
    parser.add_argument("--held-out", type=float, default=0.1, help="share kept for judging")
    parser.add_argument(
        "--voice", default=DEFAULT_VOICE, help="the report counts phonemes as this voice reads them"
    )
    parser.add_argument("--voices", type=Path, default=VOICES)
    parser.add_argument("--threads", type=int, default=0)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the set, write its report, say how much there is.

    Raises:
        UnknownVoice: there is no such voice to count phonemes by.
        BadData, MissingDependency, OSError: see :func:`vits.data.build.build`.
    """
    symbols = symbols_of(options.voice, options.voices)  # before hours of work
    plan = Plan(options.speaker, options.rate, options.language, options.held_out, options.threads)
    dataset = build(
        options.inputs,
        options.out,
        plan,
        lambda line: print(line, file=sys.stderr),  # noqa: T201 - progress of a command
    )
    report = write_report(dataset, symbols)
    train, held = dataset.of("train"), dataset.of("held-out")
    print(  # noqa: T201 - the command's answer
        f"{len(train)} clips ({minutes(train):.1f} min) to learn from, {len(held)} held out, "
        f"{len(dataset.rejected)} left out; see {report}"
    )
    return 0
