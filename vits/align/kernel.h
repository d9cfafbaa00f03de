/* The forward pass of monotonic alignment search over one utterance (Glow-TTS, algorithm 1).
 *
 *   value[f][t] = score[f][t] + max(value[f-1][t-1], value[f-1][t])
 *
 * Only the last row of values is kept; of each cell we keep one bit, "came from the token
 * before", which is all that the way back needs. Rows are bit sets of `words` 32-bit words.
 *
 * Legend: T_text tokens t, T_frames frames f; `stride` floats between frames of `score`;
 * `row` is work space of T_text rounded up to 16, plus 16 floats before it.
 */
#ifndef PARLEY_ALIGN_KERNEL_H
#define PARLEY_ALIGN_KERNEL_H

#include <stdint.h>
#include <string.h>

/* What the reference implementation calls max_neg_val: a cell no path can come from. */
#define ALIGN_UNREACHED (-1e9f)

static inline void align_forward_portable(const float *score, ptrdiff_t stride, int t_text,
                                          int t_frames, int words, float *row, uint32_t *bits) {
    for (int f = 0; f < t_frames; f++, score += stride, bits += words) {
        int from = t_text + f - t_frames;
        int to = f + 1 < t_text ? f + 1 : t_text;
        if (from < 0) from = 0;
        memset(bits, 0, sizeof(uint32_t) * (size_t)words);
        /* At the left edge nothing came from a token before, but for the very first cell. */
        float before = from ? row[from - 1] : (f ? ALIGN_UNREACHED : 0.0f);
        for (int t = from; t < to; t++) {
            float stay = row[t];
            int moved = stay < before;
            row[t] = score[t] + (moved ? before : stay);
            bits[t >> 5] |= (uint32_t)moved << (t & 31);
            before = stay;
        }
    }
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ALIGN_HAVE_AVX512 1
#include <immintrin.h>

/* Sixteen tokens at a time, in place: the block's old values are carried in a register, so the
 * neighbour to the left is one lane shift away and no store is read back. */
__attribute__((target("avx512f"))) static void
align_forward_avx512(const float *score, ptrdiff_t stride, int t_text, int t_frames, int words,
                     float *row, uint32_t *bits) {
    const __m512 unreached = _mm512_set1_ps(ALIGN_UNREACHED);
    for (int f = 0; f < t_frames; f++, score += stride, bits += words) {
        int from = t_text + f - t_frames;
        int to = f + 1 < t_text ? f + 1 : t_text;
        from = from < 0 ? 0 : from & ~15;
        uint16_t *moved_bits = (uint16_t *)bits;
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
            moved_bits[t >> 4] = (uint16_t)moved;
            carried = stay;
        }
    }
}
#else
#define ALIGN_HAVE_AVX512 0
#endif

static inline int align_cpu_has_avx512(void) {
#if ALIGN_HAVE_AVX512
    return __builtin_cpu_supports("avx512f");
#else
    return 0;
#endif
}

/* Durations of one utterance, (T_text,) int32, from contiguous or strided scores.
 * `row` and `bits` are the caller's work space; see the legend. */
static inline void align_one(const float *score, ptrdiff_t stride, int t_text, int t_frames,
                             int vector, float *row, uint32_t *bits, int32_t *durations) {
    int words = (t_text + 31) / 32;
    for (int t = -16; t < (t_text + 15) / 16 * 16; t++) row[t] = ALIGN_UNREACHED;
#if ALIGN_HAVE_AVX512
    if (vector) {
        align_forward_avx512(score, stride, t_text, t_frames, words, row, bits);
    } else
#endif
    {
        (void)vector;
        align_forward_portable(score, stride, t_text, t_frames, words, row, bits);
    }
    int t = t_text - 1;
    for (int f = t_frames - 1; f >= 0; f--) {
        durations[t]++;
        const uint32_t *moved = bits + (ptrdiff_t)f * words;
        if (t && (t == f || (moved[t >> 5] >> (t & 31) & 1u))) t--;
    }
}

#endif
