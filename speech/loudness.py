"""How loud each frame of Opus is, for the picture of a voice message.

Decoded by the libopus that PyAV's wheel carries, called directly: loading PyAV itself would cost
the bot's process 27 MB for this alone.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from array import array
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

RATE_HZ = 8_000
"""Opus decodes to any of its rates; the lowest is plenty to see loudness."""
LONGEST = RATE_HZ * 120 // 1000


def loudness(frames: Sequence[bytes]) -> list[float]:
    """Root mean square of each frame, 0 to 1. Without libopus: by the size of its packet.

    An encoder of variable rate spends bytes on sound, so that is a fair guess.
    """
    library = _libopus()
    if library is None:
        return [min(1.0, len(frame) / 400) for frame in frames]
    error = ctypes.c_int()
    decoder = ctypes.c_void_p(library.opus_decoder_create(RATE_HZ, 1, ctypes.byref(error)))
    if error.value or not decoder:
        raise OSError(f"libopus makes no decoder ({error.value})")
    samples = (ctypes.c_int16 * LONGEST)()
    try:
        return [_level(library, decoder, frame, samples) for frame in frames]
    finally:
        library.opus_decoder_destroy(decoder)


def _level(
    library: ctypes.CDLL,
    decoder: ctypes.c_void_p,
    frame: bytes,
    samples: ctypes.Array[ctypes.c_int16],
) -> float:
    count = library.opus_decode(decoder, frame, len(frame), samples, LONGEST, 0)
    if count <= 0:
        return 0.0
    heard = array("h", bytes(samples)[: 2 * count])
    return math.sqrt(sum(sample * sample for sample in heard) / count) / 32768


@cache
def _libopus() -> ctypes.CDLL | None:
    for path in (*_carried(), ctypes.util.find_library("opus")):
        if path:
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue
            library.opus_decoder_create.restype = ctypes.c_void_p
            return library
    return None


def _carried() -> list[Path]:
    """The libopus beside PyAV, which is not imported."""
    found = find_spec("av")
    if found is None or found.origin is None:
        return []
    package = Path(found.origin).parent
    folders = (package.parent / "av.libs", package / ".dylibs")
    return [path for folder in folders for path in sorted(folder.glob("*opus*"))]
