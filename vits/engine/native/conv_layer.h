// A convolution ready to run: weights transformed and laid out for one instruction set.
#pragma once
#include <vector>

#include "crew.h"
#include "kernels.h"
#include "memory.h"

namespace parley {

// A filter as plain numbers: weights (out, in, taps) and biases (out). Channels can be picked,
// which is how padding, flips and interleavings are folded into weights when a voice is loaded.
struct Filter {
  int out = 0, in = 0, taps = 1;
  std::vector<float> weights, bias;

  Filter() = default;
  Filter(int out, int in, int taps)
      : out(out), in(in), taps(taps), weights((size_t)out * in * taps), bias((size_t)out) {}
  float& at(int o, int i, int k) { return weights[((size_t)o * in + i) * taps + k]; }
  float at(int o, int i, int k) const { return weights[((size_t)o * in + i) * taps + k]; }

  // A filter whose channel c is this one's channel map[c], or zero where that is -1.
  Filter pick_out(const std::vector<int>& map) const;
  Filter pick_in(const std::vector<int>& map) const;
};

// 0..count-1 and then -1 up to a multiple of `block`.
std::vector<int> padded(int count, int block);

// What a convolution may be computed in. Larger tiles save more products and round worse.
enum Tiles : int { kSmallTiles = 0, kMediumTiles = 1, kLargeTiles = 2 };
struct Arithmetic {
  Number number = kFp32;
  Tiles tiles = kLargeTiles;
};

class ConvLayer {
 public:
  ConvLayer() = default;

  // The filter's channels need not be padded: they are, with zeros, to multiples of the block.
  ConvLayer(const Kernels& kernels, const Filter& filter, Arithmetic arithmetic, int dilation = 1,
            int pad = 0);

  const ConvShape& shape() const { return shape_; }
  const float* bias() const { return bias_.data(); }

  // Makes rows [first, last) on every thread. The epilogue's bias, where null, is the layer's.
  void run(Crew& crew, const View& in, long first, long last, Epilogue epilogue) const;
  // The same by one worker, in a task; reserve() must have been called for as many rows.
  void run_on(Crew& crew, int worker, const View& in, long first, long last,
              const Epilogue& epilogue) const;

  // As run(), but the threads share the rows if there are enough, not the channels: right where
  // there are many more numbers in the rows than in the weights.
  void run_rows(Crew& crew, const View& in, long first, long last, const Epilogue& epilogue) const;

  void reserve(Crew& crew, long rows) const;

  // Rows that are made with no work wasted come in multiples of this.
  long unit() const { return (long)shape_.outputs * shape_.dilation; }

 private:
  size_t scratch_bytes(long rows) const;
  void run_part(Crew& crew, int worker, const View& in, long first, long last, int from, int to,
                const Epilogue& epilogue) const;
  void pack(const Filter& filter);

  const Kernels* kernels_ = nullptr;
  ConvShape shape_{};
  Buffer<char> weights_;
  Buffer<float> weight_scale_, bias_;
};

// An epilogue that only stores: out (rows, stride).
Epilogue plain(float* out, ptrdiff_t stride);

}  // namespace parley
