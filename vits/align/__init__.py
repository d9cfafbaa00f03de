"""Monotonic alignment search: which frames belong to which token.

Given how well every frame fits every token, find the path that visits the tokens in order,
skips none, and fits best in sum (Glow-TTS, section 3.1; VITS, section 2.2.1). The search is
compiled (Cython, OpenMP over the batch); :mod:`vits.align.reference` is its oracle.

Legend: B batch, T_frames frames, T_text tokens.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vits.align.search import align, kernels

__all__ = ["align", "kernels", "path_of"]


def path_of(durations: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The token of each frame, (T_frames,), from the durations of one utterance, (T_text,)."""
    return np.repeat(np.arange(len(durations)), durations)
