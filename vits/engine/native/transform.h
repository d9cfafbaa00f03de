// The transforms around the products, for F(Outputs, Taps); see toom.h for the algebra.
#pragma once
#include "simd.h"
#include "toom.h"

namespace {

template <int Taps, int Outputs>
struct Transform {
  static constexpr int kPoints = Taps + Outputs - 1;
  static constexpr int kPairs = kPoints / 2 - 1;
  static_assert(kPoints % 2 == 0 && kPairs >= 1 && kPairs <= 5, "0, pairs and infinity");

  // Rows d[0..kPoints) of the input to the values u of each polynomial at each point.
  INLINE void input(const Vec* d, Vec* u) {
    constexpr toom::Rows<kPairs> rows = toom::rows_of<kPairs>();
    Vec zero = d[2 * kPairs], infinity = d[2 * kPairs + 1];
    UNROLL for (int k = 0; k < kPairs; k++) {
      zero += d[2 * k] * (float)rows.full.c[k];
      infinity += d[2 * k + 1] * (float)rows.full.c[k];
    }
    u[0] = zero;
    u[kPoints - 1] = infinity;
    UNROLL for (int j = 0; j < kPairs; j++) {
      const double a = toom::kPoints[kPairs][j];
      Vec even = d[2 * kPairs], odd = d[2 * kPairs - 1] * (float)a;
      UNROLL for (int k = 0; k < kPairs - 1; k++) {
        even += d[2 * k + 2] * (float)rows.with[j].c[k];
        odd += d[2 * k + 1] * (float)(rows.with[j].c[k] * a);
      }
      u[2 * j + 1] = even + odd;
      u[2 * j + 2] = even - odd;
    }
  }

  // Products v[0..kPoints) to the output rows y[0..Outputs).
  INLINE void output(const Vec* v, Vec* y) {
    Vec sum[kPairs], difference[kPairs];
    UNROLL for (int j = 0; j < kPairs; j++) {
      sum[j] = v[2 * j + 1] + v[2 * j + 2];
      difference[j] = v[2 * j + 1] - v[2 * j + 2];
    }
    UNROLL for (int i = 0; i < Outputs; i++) {
      const Vec* part = i % 2 ? difference : sum;
      Vec s = part[0] * (float)toom::power(toom::kPoints[kPairs][0], i);
      UNROLL for (int j = 1; j < kPairs; j++) s += part[j] * (float)toom::power(toom::kPoints[kPairs][j], i);
      if (i == 0) s += v[0];
      if (i == Outputs - 1) s += v[kPoints - 1];
      y[i] = s;
    }
  }
};

// F(1, 1): a filter of one tap, or any filter tap by tap.
template <>
struct Transform<1, 1> {
  static constexpr int kPoints = 1;
  INLINE void input(const Vec* d, Vec* u) { u[0] = d[0]; }
  INLINE void output(const Vec* v, Vec* y) { y[0] = v[0]; }
};

}  // namespace
