"""The native engine under AddressSanitizer and UndefinedBehaviorSanitizer, and its threads under
ThreadSanitizer: every kernel, every form of voice.

Where the compiler cannot make a sanitized library (no g++, or one without the sanitizer's run-time
library) the test is skipped and says so; the same shapes are then only compared with PyTorch.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setup import NATIVE, VARIANTS, X86, Variant
from vits.engine.native_api import NUMBERS, Library

ROOT = Path(__file__).parents[3]
GXX = shutil.which("g++")


def sanitizer_library(name: str) -> str | None:
    """What must be loaded before the interpreter's first allocation: the sanitizer, and the C++
    library whose exceptions it wants to see."""
    if GXX is None or not sys.platform.startswith("linux"):
        return None
    found = [
        subprocess.run(
            [GXX, f"-print-file-name={each}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for each in (name, "libstdc++.so.6")
    ]
    return " ".join(found) if all(Path(path).is_absolute() for path in found) else None


def runs_here(variant: Variant) -> bool:
    """Whether this processor can run it: what it cannot would be compiled for nothing."""
    library = Library()
    if variant.name in NUMBERS:
        return library.offers("", variant.name)
    return variant.name in library.instruction_sets()


def build(folder: Path, flags: list[str]) -> Path:
    """The whole engine in one library, compiled with ``flags``."""
    assert GXX is not None
    common = [GXX, "-std=c++17", "-fPIC", "-g1", "-w", "-ffp-contract=fast", *flags]
    sources = sorted((ROOT / NATIVE).glob("*.cpp"))
    kernels = {variant.source for variant in VARIANTS}
    jobs = [(path, path.stem, []) for path in sources if path.name not in kernels]
    jobs.append((ROOT / NATIVE / "kernels.cpp", "portable", _names("portable")))
    macros = []
    for variant in filter(runs_here, VARIANTS if X86 else ()):
        own = [*variant.flags, *_names(variant.name)]
        jobs.append((ROOT / NATIVE / variant.source, variant.name, own))
        macros.append(f"-D{variant.macro}")
    running = []
    for source, name, more in jobs:
        command = [*common, *macros, *more, "-c", str(source), "-o", str(folder / f"{name}.o")]
        running.append(subprocess.Popen(command))
        if len(running) >= 2:
            assert running.pop(0).wait() == 0
    assert all(job.wait() == 0 for job in running)
    library = folder / "engine.so"
    objects = sorted(map(str, folder.glob("*.o")))
    subprocess.run([*common, "-shared", *objects, "-o", str(library), "-pthread"], check=True)
    return library


def _names(name: str) -> list[str]:
    return [f"-DPARLEY_KERNELS={name}_kernels", f'-DPARLEY_NAME="{name}"']


def drive(library: Path, preload: str, cases: int, *forms: str, **options: str) -> str:
    """The output of :mod:`tests.vits.engine.drive`, which must end well."""
    environment = {**os.environ, "LD_PRELOAD": preload, "OPENBLAS_NUM_THREADS": "1", **options}
    done = subprocess.run(
        [sys.executable, "-m", "tests.vits.engine.drive", str(library), str(cases), *forms],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:6000]
    assert "all ran" in done.stdout
    return done.stderr


def test_no_byte_outside_its_buffer(tmp_path: Path) -> None:
    preload = sanitizer_library("libasan.so")
    if preload is None:
        pytest.skip("this compiler has no AddressSanitizer")
    flags = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    # Signals are addressed from a base row; the rest of UBSan's checks stay on.
    library = build(tmp_path, [*flags, "-fno-sanitize=alignment,pointer-overflow"])
    # The interpreter itself is not built to be free of leaks.
    errors = drive(library, preload, 40, ASAN_OPTIONS="detect_leaks=0:halt_on_error=1")
    assert "ERROR" not in errors


def test_no_race_between_threads(tmp_path: Path) -> None:
    preload = sanitizer_library("libtsan.so")
    if preload is None:
        pytest.skip("this compiler has no ThreadSanitizer")
    library = build(tmp_path, ["-O1", "-fsanitize=thread"])
    options = "halt_on_error=1:report_signal_unsafe=0"
    errors = drive(library, preload, 8, "three speakers", TSAN_OPTIONS=options)
    assert "WARNING: ThreadSanitizer" not in errors
