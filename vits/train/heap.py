"""Let the C library keep the memory that a training frees."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""Of mallopt(3), as <malloc.h> numbers them."""


def keep_memory() -> None:
    """For a process that trains: a step takes and gives back hundreds of megabytes.

    Left alone, glibc hands large pieces back to the system, which clears each of their pages
    again when the next step asks: 44,000 page faults and a tenth of a step's time. Other C
    libraries have no such call; there nothing is changed.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    tune(MMAP_MAX, 0)
    tune(TRIM_THRESHOLD, 2**31 - 1)
    tune(TOP_PAD, 64 << 20)
