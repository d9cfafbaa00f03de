// The int16 convolutions: AVX-512 with VNNI.
#include "conv.h"

namespace {

void conv(const ConvCall& call) {
  const ConvShape& s = *call.shape;
  switch (s.taps * 10 + s.outputs) {
    case 23: return convolve<Int16, 2, 3>(call);
    case 25: return convolve<Int16, 2, 5>(call);
    case 32: return convolve<Int16, 3, 2>(call);
    case 34: return convolve<Int16, 3, 4>(call);
    case 36: return convolve<Int16, 3, 6>(call);
    case 54: return convolve<Int16, 5, 4>(call);
    case 56: return convolve<Int16, 5, 6>(call);
    case 65: return convolve<Int16, 6, 5>(call);
    case 74: return convolve<Int16, 7, 4>(call);
    case 76: return convolve<Int16, 7, 6>(call);
    default: return convolve<Int16, 1, 1>(call);
  }
}

double peak(long repeats) {
  constexpr int kSteps = 8;
  static int16_t panel[kSteps * Int16::kStep * kTiles], weights[kSteps * Int16::kStep * kBlock];
  int32_t out[kTiles * kBlock];
  for (long i = 0; i < repeats; i++) {
    Int16::product<kTiles>(panel, kSteps, weights, out);
    __asm__ volatile("" : : "r"(panel), "r"(out) : "memory");  // each round is really done
  }
  return (double)repeats * kSteps * Int16::kStep * kTiles * kBlock;
}

constexpr parley::Kernels kernels() {
  parley::Kernels k{};
  k.conv[parley::kInt16] = conv;
  k.peak[parley::kInt16] = peak;
  return k;
}

constexpr parley::Kernels kKernels = kernels();

}  // namespace

namespace parley {
const Kernels* int16_kernels() { return &kKernels; }
}  // namespace parley
