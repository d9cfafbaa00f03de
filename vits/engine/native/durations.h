// How long each symbol sounds: the stochastic predictor (VITS 2.2.2 and B.2) or the plain one.
#pragma once
#include <memory>

#include "weights.h"

namespace parley {

class Durations {
 public:
  virtual ~Durations() = default;
  // hidden (n, hidden), the speaker's vector or null, noise (2, n) or null -> log durations (n).
  virtual void run(Crew& crew, Arena& memory, const View& hidden, const float* speaker,
                   const float* noise, float* out) const = 0;
};

std::unique_ptr<Durations> make_durations(const Loader& from);

// The inverse of a monotonic rational-quadratic spline with linear tails (Durkan et al., 2019):
// `heights` (3 bins - 1) are its unnormalised widths, heights and inner derivatives.
float spline_inverse(float y, const float* parameters, int bins, float tail, float scale);

}  // namespace parley
