"""Shared by the benchmarks: the machine's name, fair interleaving, medians and spread."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-peers"


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over its runs; ``unit`` belongs to every number."""

    unit: str
    median: float
    p05: float
    p95: float
    p99: float
    runs: int

    @staticmethod
    def of(values: Sequence[float], unit: str) -> Spread:
        """Quantiles of ``values``, which must not be empty."""
        ordered = sorted(values)

        def at(share: float) -> float:
            return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]

        return Spread(unit, statistics.median(ordered), at(0.05), at(0.95), at(0.99), len(ordered))


def machine() -> dict[str, object]:
    """Processor, cores, system and Python: what the figures belong to."""
    name = platform.processor() or platform.machine()
    flags: set[str] = set()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    wide = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags]
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "simd": wide,
        "system": platform.system(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def interleave(
    works: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int = 2
) -> dict[str, list[float]]:
    """Seconds of each work, run in turn A B C A B C, so that drift touches all alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warmup + rounds):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            if number >= warmup:
                taken[name].append(time.perf_counter() - begun)
    return taken


def peer_python(name: str, *requirements: str) -> Path:
    """The Python of a virtual environment with peers in it, apart from ours; built once."""
    folder = PEERS / name
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if not stamp.is_file() or stamp.read_text() != "\n".join(requirements):
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True)
        stamp.write_text("\n".join(requirements))
    return python


def table(title: str, rows: Sequence[Sequence[object]]) -> str:
    """Rows (the first is the head) as aligned Markdown."""
    cells = [[f"{c:.4g}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([f"### {title}", "", line(cells[0]), rule, *map(line, cells[1:]), ""])


def save(out_dir: Path, name: str, result: object) -> Path:
    """Write ``result`` (dataclasses allowed inside) as ``out_dir/name.json``."""
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, default=asdict) + "\n")  # type: ignore[arg-type]  # json asks only for what it cannot write: our dataclasses
    return path
