"""An update whose compiled parts changed has them built anew: ``make install`` is all it needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from setup import alignment, engine

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_every_compiled_source_is_what_an_install_depends_on(tmp_path: Path) -> None:
    stamp = tmp_path / "base.stamp"
    stamp.touch()

    def planned(*more: str) -> str:
        make = ["make", "--dry-run", "--no-print-directory", f"VENV={tmp_path}", *more]
        done = subprocess.run(
            [*make, str(stamp)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "pip install" not in planned()
    sources = {*engine.sources, *engine.depends, *alignment.sources, *alignment.depends}
    assert len(sources) > 20
    for source in sorted(sources):
        assert "-e ." in planned("-W", source), source
