"""Memory that is taken and given back again and again is cleared by the system once."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
from vits.train.heap import keep_memory
if sys.argv[1] == "kept":
    keep_memory()
def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
begun = used()
for _ in range(6):
    piece = bytearray(b"1") * (64 << 20)
    del piece
print(used() - begun)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_pages_are_asked_for_once() -> None:
    left, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", CODE, how], check=True, capture_output=True
            ).stdout
        )
        for how in ("left", "kept")
    )
    assert kept < left / 3
