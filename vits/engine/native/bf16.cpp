// The bf16 convolutions: AVX-512 with BF16.
#include "conv.h"

namespace {

void conv(const ConvCall& call) {
  const ConvShape& s = *call.shape;
  switch (s.taps * 10 + s.outputs) {
    case 23: return convolve<Bf16, 2, 3>(call);
    case 32: return convolve<Bf16, 3, 2>(call);
    case 52: return convolve<Bf16, 5, 2>(call);
    case 72: return convolve<Bf16, 7, 2>(call);
    default: return convolve<Bf16, 1, 1>(call);
  }
}

double peak(long repeats) {
  constexpr int kSteps = 8;
  static uint16_t panel[kSteps * Bf16::kStep * kTiles], weights[kSteps * Bf16::kStep * kBlock];
  float out[kTiles * kBlock];
  for (long i = 0; i < repeats; i++) {
    Bf16::product<kTiles>(panel, kSteps, weights, out);
    __asm__ volatile("" : : "r"(panel), "r"(out) : "memory");  // each round is really done
  }
  return (double)repeats * kSteps * Bf16::kStep * kTiles * kBlock;
}

constexpr parley::Kernels kernels() {
  parley::Kernels k{};
  k.conv[parley::kBf16] = conv;
  k.peak[parley::kBf16] = peak;
  return k;
}

constexpr parley::Kernels kKernels = kernels();

}  // namespace

namespace parley {
const Kernels* bf16_kernels() { return &kKernels; }
}  // namespace parley
