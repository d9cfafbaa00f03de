"""Monotonic alignment search: which frames belong to which token.

Given how well every frame fits every token, find the path that visits the tokens in order,
skips none, and fits best in sum (Glow-TTS, section 3.1; VITS, section 2.2.1). The search is
compiled (Cython, OpenMP over the batch); :mod:`vits.align.reference` is its oracle.

Legend: B batch, T_frames frames, T_text tokens.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from vits.align import search as _search


def align(
    scores: npt.NDArray[np.float32],
    text_lengths: npt.NDArray[np.integer],
    frame_lengths: npt.NDArray[np.integer],
    *,
    threads: int | None = None,
    portable: bool = False,
) -> npt.NDArray[np.int32]:
    """Durations, in frames, of each token on the best monotonic path.

    Args:
        scores: (B, T_frames, T_text) float32, log-likelihood of frame f under token t; read only.
        text_lengths: (B,) tokens of each utterance, 0 to T_text.
        frame_lengths: (B,) frames of each utterance, at least as many as its tokens.
        threads: how many utterances at once; all processors by default.
        portable: use the plain C kernel even where a wider one exists.

    Returns:
        (B, T_text) int32. Row b sums to ``frame_lengths[b]``; padding has duration 0.

    Raises:
        ValueError: shapes that do not match, lengths out of range, or more tokens than frames.
    """
    table = np.ascontiguousarray(scores, np.float32)
    if table.ndim != 3:
        raise ValueError(f"scores must be (B, T_frames, T_text), not {table.ndim}-dimensional")
    batch, t_frames, t_text = table.shape
    text = np.ascontiguousarray(text_lengths, np.int32)
    frames = np.ascontiguousarray(frame_lengths, np.int32)
    if text.shape != (batch,) or frames.shape != (batch,):
        raise ValueError(f"lengths must be ({batch},), not {text.shape} and {frames.shape}")
    if batch and (text.min() < 0 or text.max() > t_text or frames.max() > t_frames):
        raise ValueError("a length is outside the table of scores")
    if (text > frames).any():
        raise ValueError("an utterance has more tokens than frames: no path visits them all")
    if ((text == 0) & (frames > 0)).any():
        raise ValueError("an utterance has frames but no token")
    wanted = threads if threads is not None else (os.cpu_count() or 1)
    vector = _search.has_avx512() and not portable
    return np.asarray(
        _search.search(table, text, frames, max(1, min(wanted, batch or 1)), vector), np.int32
    )


def path_of(durations: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The token of each frame, (T_frames,), from the durations of one utterance, (T_text,)."""
    return np.repeat(np.arange(len(durations)), durations)
