/* The forward pass of monotonic alignment search over one utterance (Glow-TTS, algorithm 1).
 *
 *   value[f][t] = score[f][t] + max(value[f-1][t-1], value[f-1][t])
 *
 * Only the last row of values is kept; of each cell we keep whether the path "moved", that is
 * came from the token before, which is all that the way back needs: a bit in the vector kernels,
 * where a comparison gives bits, and a byte in the plain one, which compilers vectorise.
 *
 * Legend: T_text tokens t, T_frames frames f; `stride` floats between frames of `score`; `row` is
 * work space of T_text rounded up to 16, after 16 floats of margin (`align_row` in all); `moved`
 * has `align_pitch` bytes a frame.
 */
#ifndef PARLEY_ALIGN_KERNEL_H
#define PARLEY_ALIGN_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* What the reference implementation calls max_neg_val: a cell no path can come from. */
#define ALIGN_UNREACHED (-1e9f)

enum { ALIGN_PLAIN, ALIGN_AVX2, ALIGN_AVX512 };

/* One frame: `now` and `last` are rows of values, apart from each other so that it vectorises. */
static void align_frame(const float *restrict score, const float *restrict last,
                        float *restrict now, uint8_t *restrict moved, int from, int to) {
    for (int t = from; t < to; t++) {
        float stay = last[t], before = last[t - 1];
        now[t] = score[t] + (stay < before ? before : stay);
        moved[t] = stay < before;
    }
}

static inline void align_forward_plain(const float *score, ptrdiff_t stride, int t_text,
                                       int t_frames, ptrdiff_t pitch, float *last, float *now,
                                       uint8_t *moved) {
    last[-1] = 0.0f; /* Before the very first cell; nothing else starts a path. */
    for (int f = 0; f < t_frames; f++, score += stride, moved += pitch) {
        int from = t_text + f - t_frames;
        int to = f + 1 < t_text ? f + 1 : t_text;
        align_frame(score, last, now, moved, from < 0 ? 0 : from, to);
        float *spare = last;
        last = now;
        now = spare;
        now[-1] = last[-1] = ALIGN_UNREACHED;
    }
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ALIGN_HAVE_VECTORS 1
#include <immintrin.h>

/* Sixteen tokens at a time, in place: the block's old values are carried in a register, so the
 * neighbour to the left is one lane shift away and no store is read back. */
__attribute__((target("avx512f"))) static void
align_forward_avx512(const float *score, ptrdiff_t stride, int t_text, int t_frames,
                     ptrdiff_t pitch, float *row, uint8_t *moved_bits) {
    const __m512 unreached = _mm512_set1_ps(ALIGN_UNREACHED);
    for (int f = 0; f < t_frames; f++, score += stride, moved_bits += pitch) {
        int from = t_text + f - t_frames;
        int to = f + 1 < t_text ? f + 1 : t_text;
        from = from < 0 ? 0 : from & ~15;
        __m512 carried = from ? _mm512_loadu_ps(row + from - 16)
                              : (f ? unreached : _mm512_setzero_ps());
        for (int t = from; t < to; t += 16) {
            int left = to - t;
            __mmask16 live = left >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << left) - 1u);
            __m512 stay = _mm512_loadu_ps(row + t);
            __m512 before = _mm512_castsi512_ps(_mm512_alignr_epi32(
                _mm512_castps_si512(stay), _mm512_castps_si512(carried), 15));
            __mmask16 moved = _mm512_cmp_ps_mask(stay, before, _CMP_LT_OQ);
            __m512 best = _mm512_mask_mov_ps(stay, moved, before);
            best = _mm512_add_ps(best, _mm512_maskz_loadu_ps(live, score + t));
            /* Cells past the diagonal stay unreached: a later row compares against them. */
            _mm512_mask_storeu_ps(row + t, live, best);
            moved_bits[t >> 3] = (uint8_t)moved;
            moved_bits[(t >> 3) + 1] = (uint8_t)(moved >> 8);
            carried = stay;
        }
    }
}

/* The same with eight; the last of the block before comes along in lane 0 of `carried`. */
__attribute__((target("avx2"))) static void
align_forward_avx2(const float *score, ptrdiff_t stride, int t_text, int t_frames, ptrdiff_t pitch,
                   float *row, uint8_t *moved_bits) {
    const __m256i right = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int f = 0; f < t_frames; f++, score += stride, moved_bits += pitch) {
        int from = t_text + f - t_frames;
        int to = f + 1 < t_text ? f + 1 : t_text;
        from = from < 0 ? 0 : from & ~7;
        int t = from;
        __m256 carried = _mm256_set1_ps(from ? row[from - 1] : f ? ALIGN_UNREACHED : 0.0f);
        for (; t + 8 <= to; t += 8) {
            __m256 stay = _mm256_loadu_ps(row + t);
            __m256 moves = _mm256_permutevar8x32_ps(stay, right);
            __m256 before = _mm256_blend_ps(moves, carried, 1);
            __m256 moved = _mm256_cmp_ps(stay, before, _CMP_LT_OQ);
            __m256 best = _mm256_blendv_ps(stay, before, moved);
            _mm256_storeu_ps(row + t, _mm256_add_ps(best, _mm256_loadu_ps(score + t)));
            moved_bits[t >> 3] = (uint8_t)_mm256_movemask_ps(moved);
            carried = moves;
        }
        if (t < to) {
            /* Cells past the diagonal stay unreached: a later row compares against them. */
            __m256i live = _mm256_cmpgt_epi32(_mm256_set1_epi32(to - t), lanes);
            __m256 stay = _mm256_loadu_ps(row + t);
            __m256 moves = _mm256_permutevar8x32_ps(stay, right);
            __m256 before = _mm256_blend_ps(moves, carried, 1);
            __m256 moved = _mm256_cmp_ps(stay, before, _CMP_LT_OQ);
            __m256 best = _mm256_blendv_ps(stay, before, moved);
            best = _mm256_add_ps(best, _mm256_maskload_ps(score + t, live));
            _mm256_maskstore_ps(row + t, live, best);
            moved_bits[t >> 3] = (uint8_t)_mm256_movemask_ps(moved);
        }
    }
}
#else
#define ALIGN_HAVE_VECTORS 0
#endif

/* The widest kernel that this processor has. */
static inline int align_widest(void) {
#if ALIGN_HAVE_VECTORS
    if (__builtin_cpu_supports("avx512f")) return ALIGN_AVX512;
    if (__builtin_cpu_supports("avx2")) return ALIGN_AVX2;
#endif
    return ALIGN_PLAIN;
}

/* Bytes of `moved` for one frame. */
static inline ptrdiff_t align_pitch(int t_text, int kernel) {
    return kernel ? (t_text + 15) / 16 * 2 : t_text;
}

/* Floats of one row of values: the margin, and T_text rounded up. */
static inline int align_row(int t_text) { return 16 + (t_text + 15) / 16 * 16; }

/* Bytes of `work` that align_one needs, in whole lines of cache: threads have theirs in a row. */
static inline size_t align_work_bytes(int t_text, int t_frames, int kernel) {
    size_t bytes = 2 * align_row(t_text) * sizeof(float);
    bytes += (size_t)align_pitch(t_text, kernel) * t_frames;
    return (bytes + 63) / 64 * 64;
}

/* Adds to `durations`, (T_text,) int32 of zeros. `work` is the caller's, aligned as malloc does. */
static inline void align_one(const float *score, ptrdiff_t stride, int t_text, int t_frames,
                             int kernel, void *work, int32_t *durations) {
    if (t_text == 0) return;
    ptrdiff_t pitch = align_pitch(t_text, kernel);
    int width = align_row(t_text);
    float *row = (float *)work + 16;
    uint8_t *moved = (uint8_t *)work + 2 * width * sizeof(float);
    for (int t = -16; t < 2 * width - 16; t++) row[t] = ALIGN_UNREACHED;
#if ALIGN_HAVE_VECTORS
    if (kernel == ALIGN_AVX512) {
        align_forward_avx512(score, stride, t_text, t_frames, pitch, row, moved);
    } else if (kernel == ALIGN_AVX2) {
        align_forward_avx2(score, stride, t_text, t_frames, pitch, row, moved);
    } else
#endif
    {
        align_forward_plain(score, stride, t_text, t_frames, pitch, row, row + width, moved);
    }
    int t = t_text - 1;
    for (int f = t_frames - 1; f >= 0; f--) {
        const uint8_t *cell = moved + f * pitch;
        durations[t]++;
        if (t && (t == f || (kernel ? cell[t >> 3] >> (t & 7) & 1 : cell[t]))) t--;
    }
}

#endif
