// The fp32 kernels of one instruction set. Compiled once for each, with that set's flags and
// PARLEY_KERNELS naming the function that hands them out.
#include "conv.h"
#include "rows.h"

namespace {

// Every filter a VITS names is one of these, or several side by side, or taken tap by tap.
void conv(const ConvCall& call) {
  const ConvShape& s = *call.shape;
  switch (s.taps * 10 + s.outputs) {
    case 23: return convolve<Fp32, 2, 3>(call);
    case 25: return convolve<Fp32, 2, 5>(call);
    case 32: return convolve<Fp32, 3, 2>(call);
    case 34: return convolve<Fp32, 3, 4>(call);
    case 36: return convolve<Fp32, 3, 6>(call);
    case 54: return convolve<Fp32, 5, 4>(call);
    case 56: return convolve<Fp32, 5, 6>(call);
    case 65: return convolve<Fp32, 6, 5>(call);
    case 74: return convolve<Fp32, 7, 4>(call);
    case 76: return convolve<Fp32, 7, 6>(call);
    default: return convolve<Fp32, 1, 1>(call);
  }
}

double peak(long repeats) {
  constexpr int kSteps = 8;
  static float panel[kSteps * Fp32::kStep * kTiles], weights[kSteps * Fp32::kStep * kBlock];
  float out[kTiles * kBlock];
  for (long i = 0; i < repeats; i++) {
    Fp32::product<kTiles>(panel, kSteps, weights, out);
    __asm__ volatile("" : : "r"(panel), "r"(out) : "memory");  // each round is really done
  }
  return (double)repeats * kSteps * Fp32::kStep * kTiles * kBlock;
}

constexpr parley::Kernels kernels() {
  parley::Kernels k{};
  k.name = PARLEY_NAME;
  k.lanes = kLanes;
  k.block = kBlock;
  k.tiles = kTiles;
  k.conv[parley::kFp32] = conv;
  k.layer_norm = layer_norm;
  k.softmax = softmax;
  k.depthwise = depthwise;
  k.project = project;
  k.sample = sample;
  k.peak[parley::kFp32] = peak;
  return k;
}

constexpr parley::Kernels kKernels = kernels();

}  // namespace

namespace parley {
const Kernels* PARLEY_KERNELS() { return &kKernels; }
}  // namespace parley
