# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled half of :mod:`vits.align`: batches in parallel, one utterance a thread at a time."""

import numpy as np

from cython.parallel cimport parallel, prange
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, uint8_t
from libc.stdlib cimport free, malloc


cdef extern from "kernel.h" nogil:
    int align_cpu_has_avx512()
    ptrdiff_t align_pitch(int t_text, int vector)
    void align_one(const float *score, ptrdiff_t stride, int t_text, int t_frames, int vector,
                   float *row, uint8_t *moved, int32_t *durations)


def has_avx512():
    """Whether this processor runs the sixteen-wide kernel."""
    return bool(align_cpu_has_avx512())


def search(const float[:, :, ::1] scores, const int32_t[::1] text_lengths,
           const int32_t[::1] frame_lengths, int threads, bint vector):
    """Durations (B, T_text) int32 of checked input; :func:`vits.align.align` does the checking."""
    cdef Py_ssize_t batch = scores.shape[0]
    cdef int t_frames = <int>scores.shape[1], t_text = <int>scores.shape[2]
    durations = np.zeros((batch, t_text), np.int32)
    if batch == 0 or t_frames == 0 or t_text == 0:
        return durations
    cdef int32_t[:, ::1] out = durations
    cdef size_t row_bytes = 2 * <size_t>((t_text + 15) // 16 * 16 + 16) * sizeof(float)
    cdef size_t moved_bytes = <size_t>align_pitch(t_text, vector) * t_frames
    cdef Py_ssize_t b
    cdef float *row
    cdef uint8_t *moved
    cdef int failed = 0
    with nogil, parallel(num_threads=threads):
        row = <float *>malloc(row_bytes)
        moved = <uint8_t *>malloc(moved_bytes)
        for b in prange(batch, schedule="dynamic"):
            if row == NULL or moved == NULL:
                failed = 1
            elif text_lengths[b] > 0:
                align_one(&scores[b, 0, 0], t_text, text_lengths[b], frame_lengths[b], vector,
                          row + 16, moved, &out[b, 0])
        free(row)
        free(moved)
    if failed:
        raise MemoryError("no memory for the alignment's work space")
    return durations
