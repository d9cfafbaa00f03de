// The innermost loops: a panel of M tiles times a block of weights, for each kind of number.
//
//   panel   [step][tile][lanes]       one step is `kStep` channels of every tile
//   weights [channel][block]          in pairs of channels for the 16-bit kinds
//   out     [tile][block]             floats, or 32-bit integers for int16
//
// Each broadcast of an activation meets two vectors of weights; M x 2 sums stay in registers.
#pragma once
#include "kernels.h"
#include "simd.h"

namespace {

struct Fp32 {
  typedef float Item;
  static constexpr int kStep = kLanes;  // channels in a vector of a panel
  static constexpr bool kScaled = false;

  template <int M>
  NOINLINE void product(const void* panel, int steps, const void* weights, void* out) {
    const float *a = (const float*)panel, *w = (const float*)weights;
    Vec low[M], high[M];
    UNROLL for (int m = 0; m < M; m++) low[m] = high[m] = Vec{};
    for (int s = 0; s < steps; s++, a += M * kLanes) {
      _Pragma("GCC unroll 4") for (int c = 0; c < kLanes; c++, w += kBlock) {
        const Vec w0 = load(w), w1 = load(w + kLanes);
        UNROLL for (int m = 0; m < M; m++) {
          const Vec x = all(a[m * kLanes + c]);
          low[m] += x * w0;
          high[m] += x * w1;
        }
      }
    }
    float* o = (float*)out;
    UNROLL for (int m = 0; m < M; m++, o += kBlock) store(o, low[m]), store(o + kLanes, high[m]);
  }

  // The product's result at p, as floats.
  INLINE Vec result(const void* p, const Vec&) { return load((const float*)p); }
};

#if defined(__AVX512VNNI__)
// 16-bit fixed point, exact 32-bit sums: twice the multiply-adds of fp32. No sum overflows, since
// no product of two vectors is larger than the product of their lengths (Cauchy and Schwarz):
// activations of a tile and weights of an output are scaled to lengths whose product is below 2^31.
struct Int16 {
  typedef int16_t Item;
  static constexpr int kStep = 2 * kLanes;
  static constexpr bool kScaled = true;
  static constexpr float kLength = parley::kInt16Length;

  template <int M>
  NOINLINE void product(const void* panel, int steps, const void* weights, void* out) {
    const char *a = (const char*)panel, *w = (const char*)weights;
    __m512i low[M], high[M];
    UNROLL for (int m = 0; m < M; m++) low[m] = high[m] = _mm512_setzero_si512();
    for (int s = 0; s < steps; s++, a += M * 64) {
      _Pragma("GCC unroll 4") for (int c = 0; c < kLanes; c++, w += 128) {
        const __m512i w0 = _mm512_loadu_si512(w), w1 = _mm512_loadu_si512(w + 64);
        UNROLL for (int m = 0; m < M; m++) {
          const __m512i x = _mm512_set1_epi32(*(const int*)(a + m * 64 + c * 4));
          low[m] = _mm512_dpwssd_epi32(low[m], x, w0);
          high[m] = _mm512_dpwssd_epi32(high[m], x, w1);
        }
      }
    }
    char* o = (char*)out;
    UNROLL for (int m = 0; m < M; m++, o += 128) {
      _mm512_storeu_si512(o, low[m]);
      _mm512_storeu_si512(o + 64, high[m]);
    }
  }

  INLINE Vec result(const void* p, const Vec& scale) {
    return _mm512_cvtepi32_ps(_mm512_loadu_si512(p)) * scale;
  }
};
#endif

#if defined(__AVX512BF16__)
struct Bf16 {
  typedef uint16_t Item;
  static constexpr int kStep = 2 * kLanes;
  static constexpr bool kScaled = false;

  template <int M>
  NOINLINE void product(const void* panel, int steps, const void* weights, void* out) {
    const char *a = (const char*)panel, *w = (const char*)weights;
    Vec low[M], high[M];
    UNROLL for (int m = 0; m < M; m++) low[m] = high[m] = Vec{};
    for (int s = 0; s < steps; s++, a += M * 64) {
      _Pragma("GCC unroll 4") for (int c = 0; c < kLanes; c++, w += 128) {
        const __m512bh w0 = (__m512bh)_mm512_loadu_si512(w);
        const __m512bh w1 = (__m512bh)_mm512_loadu_si512(w + 64);
        UNROLL for (int m = 0; m < M; m++) {
          const __m512bh x = (__m512bh)_mm512_set1_epi32(*(const int*)(a + m * 64 + c * 4));
          low[m] = _mm512_dpbf16_ps(low[m], x, w0);
          high[m] = _mm512_dpbf16_ps(high[m], x, w1);
        }
      }
    }
    float* o = (float*)out;
    UNROLL for (int m = 0; m < M; m++, o += kBlock) store(o, low[m]), store(o + kLanes, high[m]);
  }

  INLINE Vec result(const void* p, const Vec&) { return load((const float*)p); }
};
#endif

}  // namespace
