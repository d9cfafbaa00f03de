# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled half of :mod:`vits.align`: checks, and batches in parallel, an utterance a thread.

The smallest tables take a microsecond, so the call around them is kept as small: arrays that are
already right are taken as they are, and threads are not thought of where there is little to do.
"""

import os

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

cnp.import_array()


cdef extern from "kernel.h" nogil:
    int align_widest()
    size_t align_work_bytes(int t_text, int t_frames, int kernel)
    void align_one(const float *score, ptrdiff_t stride, int t_text, int t_frames, int kernel,
                   void *work, int32_t *durations)


cdef enum:
    # Cells below which waking a second thread takes longer than what it would save.
    WORTH_A_THREAD = 32768
    READ_ONLY = cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_FORCECAST


NAMES = ("plain", "avx2", "avx512")


def kernels():
    """Names of the kernels that this processor has, the widest last."""
    return NAMES[: align_widest() + 1]


cdef inline cnp.ndarray _lengths(given):
    return <cnp.ndarray>cnp.PyArray_FROM_OTF(given, cnp.NPY_INT32, READ_ONLY)


def align(scores, text_lengths, frame_lengths, *, threads=None, kernel=None):
    """Durations, in frames, of each token on the best monotonic path.

    Args:
        scores: (B, T_frames, T_text) float32, log-likelihood of frame f under token t; read only.
        text_lengths: (B,) tokens of each utterance, 0 to T_text.
        frame_lengths: (B,) frames of each utterance, at least as many as its tokens.
        threads: how many utterances at once; all processors by default. Small work takes one.
        kernel: one of :func:`kernels`; the widest by default.

    Returns:
        (B, T_text) int32. Row b sums to ``frame_lengths[b]``; padding has duration 0.

    Raises:
        ValueError: shapes that do not match, lengths out of range, more tokens than frames, or a
            kernel that this processor does not have.
        MemoryError: no room for the work space.
    """
    table = <cnp.ndarray>cnp.PyArray_FROM_OTF(scores, cnp.NPY_FLOAT32, READ_ONLY)
    if cnp.PyArray_NDIM(table) != 3:
        raise ValueError(f"scores must be (B, T_frames, T_text), not {table.ndim}-dimensional")
    cdef cnp.npy_intp *shape = cnp.PyArray_DIMS(table)
    cdef cnp.npy_intp batch = shape[0], cells = shape[1] * shape[2]
    cdef int t_frames = <int>shape[1], t_text = <int>shape[2]
    text_array = _lengths(text_lengths)
    frames_array = _lengths(frame_lengths)
    if (
        cnp.PyArray_NDIM(text_array) != 1 or cnp.PyArray_DIMS(text_array)[0] != batch
        or cnp.PyArray_NDIM(frames_array) != 1 or cnp.PyArray_DIMS(frames_array)[0] != batch
    ):
        raise ValueError(
            f"lengths must be ({batch},), "
            f"not {(<object>text_array).shape} and {(<object>frames_array).shape}"
        )
    cdef const int32_t *text = <const int32_t *>cnp.PyArray_DATA(text_array)
    cdef const int32_t *frames = <const int32_t *>cnp.PyArray_DATA(frames_array)
    cdef Py_ssize_t b
    for b in range(batch):
        if text[b] < 0 or text[b] > t_text or frames[b] > t_frames:
            raise ValueError("a length is outside the table of scores")
        if text[b] > frames[b]:
            raise ValueError("an utterance has more tokens than frames: no path visits them all")
        if text[b] == 0 and frames[b] > 0:
            raise ValueError("an utterance has frames but no token")

    cdef cnp.npy_intp[2] wanted = [batch, t_text]
    durations = cnp.PyArray_ZEROS(2, wanted, cnp.NPY_INT32, 0)
    if batch == 0 or cells == 0:
        return durations
    cdef int many = 1
    if batch > 1 and batch * cells >= WORTH_A_THREAD:
        many = (os.cpu_count() or 1) if threads is None else threads
        many = <int>max(1, min(many, batch))
    cdef const float *score = <const float *>cnp.PyArray_DATA(table)
    cdef int32_t *out = <int32_t *>cnp.PyArray_DATA(<cnp.ndarray>durations)
    cdef int chosen = align_widest()
    if kernel is not None:
        if kernel not in kernels():
            raise ValueError(f"this processor has no kernel {kernel!r}, but {', '.join(kernels())}")
        chosen = NAMES.index(kernel)
    cdef size_t bytes_each = align_work_bytes(t_text, t_frames, chosen)
    cdef char *work = <char *>malloc(bytes_each * many)
    if work == NULL:
        raise MemoryError("no memory for the alignment's work space")
    with nogil:
        if many == 1:
            for b in range(batch):
                align_one(score + b * cells, t_text, text[b], frames[b], chosen, work,
                          out + b * t_text)
        else:
            for b in prange(batch, schedule="dynamic", num_threads=many):
                align_one(score + b * cells, t_text, text[b], frames[b], chosen,
                          work + threadid() * bytes_each, out + b * t_text)
    free(work)
    return durations
