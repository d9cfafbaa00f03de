"""The oracle of monotonic alignment search, in NumPy: slow, and plainly the algorithm.

Glow-TTS (Kim et al., 2020), section 3.1 and algorithm 1. Legend as in :mod:`vits.align`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNREACHED = np.float32(-1e9)


def align_one(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Durations (T_text,) of the best monotonic path through ``scores`` (T_frames, T_text).

    Every token has at least one frame, so T_frames must be at least T_text. Of two equally
    good predecessors the path stays on its token.
    """
    t_frames, t_text = scores.shape
    value = np.full((t_frames, t_text), UNREACHED, np.float32)
    for f in range(t_frames):
        for t in range(max(0, t_text + f - t_frames), min(t_text, f + 1)):
            stay = UNREACHED if t == f else value[f - 1, t]
            if t == 0:
                before = np.float32(0) if f == 0 else UNREACHED
            else:
                before = value[f - 1, t - 1]
            value[f, t] = scores[f, t] + max(stay, before)
    durations = np.zeros(t_text, np.int32)
    t = t_text - 1
    for f in range(t_frames - 1, -1, -1):
        durations[t] += 1
        if t and (t == f or value[f - 1, t] < value[f - 1, t - 1]):
            t -= 1
    return durations
