"""``python -m benchmarks [NAME...]``: run benchmarks, print tables, keep JSON."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks import harness

NAMES = ("voice", "speakable", "reply", "ten", "lobby", "memory", "align", "train")
ON_DEMAND = ("finetune",)
"""Run only when named: hours, and recordings that no package of ours brings."""


def main() -> int:
    """Run the named benchmarks, or all; each module has ``run(out_dir, quick) -> dict``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join((*NAMES, *ON_DEMAND))}"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to try, not to quote")
    parser.add_argument("--out", type=Path, default=harness.ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    unknown = set(options.names) - {*NAMES, *ON_DEMAND}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    harness.save(options.out, "machine", harness.machine())
    for name in options.names or NAMES:
        print(f"== {name}", file=sys.stderr)
        importlib.import_module(f"benchmarks.{name}").run(options.out, options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
