// F(m, r) of Toom and Cook (Winograd 1980; Lavin and Gray, arXiv 1509.09308): m outputs of an
// r-tap filter from m + r - 1 products instead of m r. The polynomials are evaluated at 0, at pairs
// +-a and at infinity; pairs share their even and odd halves, which halves the work of both
// transforms. All constants are made by the compiler.
#pragma once

namespace {
namespace toom {

// Positive points of the pairs, by their number: those that round best, in fp32 and in int16, of
// all combinations of a few short binary fractions that were tried.
constexpr double kPoints[6][5] = {
    {}, {1}, {1.5, 0.625}, {1, 2, 0.5}, {0.5, 0.75, 1.25, 2.5}, {1, 1.5, 0.625, 0.375, 2.5}};

// Coefficients, lowest first, of the product of (x - a^2) over the pairs but `without`.
struct Poly {
  double c[6];
};
constexpr Poly product(int pairs, int without) {
  Poly p{{1, 0, 0, 0, 0, 0}};
  int degree = 0;
  for (int j = 0; j < pairs; j++) {
    if (j == without) continue;
    const double square = kPoints[pairs][j] * kPoints[pairs][j];
    for (int k = ++degree; k > 0; k--) p.c[k] = p.c[k - 1] - square * p.c[k];
    p.c[0] = -square * p.c[0];
  }
  return p;
}

template <int Pairs>
struct Rows {
  Poly with[Pairs];  // without pair j
  Poly full;         // over all pairs
};
template <int Pairs>
constexpr Rows<Pairs> rows_of() {
  Rows<Pairs> rows{};
  for (int j = 0; j < Pairs; j++) rows.with[j] = product(Pairs, j);
  rows.full = product(Pairs, -1);
  return rows;
}

constexpr double power(double a, int n) { return n == 0 ? 1 : a * power(a, n - 1); }

}  // namespace toom
}  // namespace
