// Vectors of this translation unit's instruction set, through GCC's and clang's vector types: the
// same source makes AVX-512, AVX2, SSE2 and NEON. Everything is internal to the unit (`static`, or
// in its own namespace), so that no instruction of a newer machine leaks into an older one's path.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define NOINLINE static __attribute__((noinline))
#else
#define NOINLINE static __attribute__((noinline, noclone))  // a clone for known sizes spills
#endif
#define UNROLL _Pragma("GCC unroll 16")

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kTiles = 12;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kTiles = 6;
#elif defined(__aarch64__)
constexpr int kLanes = 4, kTiles = 12;
#else
constexpr int kLanes = 4, kTiles = 6;
#endif
constexpr int kBlock = 2 * kLanes;

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef int32_t IVec __attribute__((vector_size(4 * kLanes)));
typedef float LooseVec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

INLINE Vec load(const float* p) { return *(const LooseVec*)p; }
INLINE void store(float* p, Vec v) { *(LooseVec*)p = v; }
INLINE Vec all(float x) { return x - Vec{}; }
INLINE Vec as_float(IVec v) { return (Vec)v; }
INLINE IVec as_int(Vec v) { return (IVec)v; }

#if defined(__AVX512F__)
INLINE Vec vmax(Vec a, Vec b) { return _mm512_max_ps(a, b); }
INLINE Vec vmin(Vec a, Vec b) { return _mm512_min_ps(a, b); }
#elif defined(__AVX2__)
INLINE Vec vmax(Vec a, Vec b) { return _mm256_max_ps(a, b); }
INLINE Vec vmin(Vec a, Vec b) { return _mm256_min_ps(a, b); }
#else
INLINE Vec vmax(Vec a, Vec b) { return a > b ? a : b; }
INLINE Vec vmin(Vec a, Vec b) { return a < b ? a : b; }
#endif

INLINE Vec vabs(Vec v) { return as_float(as_int(v) & 0x7fffffff); }

INLINE float sum_of(Vec v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(v);
#else
  float s = 0;
  for (int i = 0; i < kLanes; i++) s += v[i];
  return s;
#endif
}

INLINE float max_of(Vec v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps(v);
#else
  float s = v[0];
  for (int i = 1; i < kLanes; i++) s = s > v[i] ? s : v[i];
  return s;
#endif
}

INLINE float root(float x) { return __builtin_sqrtf(x); }

// max(x, slope x): leaky relu for slopes up to 1.
INLINE Vec lrelu(Vec x, Vec slope) { return vmax(x, x * slope); }

// e^x to one unit in the last place or so: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]
// (Cephes' coefficients). Clamped to finite results; NaN gives a number too.
INLINE Vec vexp(Vec x) {
  x = vmin(vmax(x, all(-87.3f)), all(88.f));
  const Vec magic = all(12582912.f);  // 1.5 x 2^23: adding it rounds to a whole number
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.f);
  return as_float(as_int(p) + ((as_int(shifted) - as_int(magic)) << 23));
}

INLINE Vec vtanh(Vec x) {
  x = vmin(vmax(x, all(-10.f)), all(10.f));
  const Vec e = vexp(x * -2.f);
  return (1.f - e) / (1.f + e);
}

// tanh(a) * sigmoid(b) with one division.
INLINE Vec vgate(Vec a, Vec b) {
  a = vmin(vmax(a, all(-10.f)), all(10.f));
  b = vmax(b, all(-40.f));
  const Vec ea = vexp(a * -2.f), eb = vexp(-b);
  return (1.f - ea) / ((1.f + ea) * (1.f + eb));
}

// x / 2 * (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7).
INLINE Vec vgelu(Vec x) {
  const Vec z = x * 0.70710678f, size = vabs(z);
  const Vec t = 1.f / (size * 0.3275911f + 1.f);
  Vec p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vec erf = 1.f - p * t * vexp(-(size * size));
  const IVec sign = as_int(z) & (int32_t)0x80000000;
  return x * 0.5f * (1.f + as_float(as_int(erf) | sign));
}

}  // namespace
