// The border between the model (compiled once, for any machine) and the kernels (compiled once per
// instruction set). Plain structs only: an inline function here could be emitted by a translation
// unit built for AVX-512 and then be picked by the linker for everyone.
//
// Legend: activations are [time][channel], channels padded with zeros to a multiple of the block;
// a block is two vectors of output channels.
#pragma once
#include <cstddef>
#include <cstdint>

namespace parley {

enum Number : int { kFp32 = 0, kInt16 = 1, kBf16 = 2, kNumbers = 3 };

// Lengths (root of the sum of squares) of int16 activations and weights. Rounding adds half a unit
// to each number at most: with 100,000 numbers (30,158 x 71,158) is still below 2^31.
constexpr float kInt16Length = 30000, kInt16WeightLength = 71000;

// Rows [begin, end) of a signal. Rows outside read as zeros: that is the padding of every
// convolution, at the edges of a sentence and nowhere else.
struct View {
  const float* data;  // row `begin`
  ptrdiff_t stride;   // floats from row to row
  long begin, end;
};

// What happens to an output y of a convolution before it is stored:
//   y = conv + bias; y += unlrelu(residual); y += base; out = lrelu(scale * y)
// or, for `gate`, y = tanh(a) * sigmoid(b) with a and b the two halves of a block.
// Pointers are to row `first` of the call and column 0. residual, base and out may be the same.
struct Epilogue {
  const float* bias;      // (out); null for none
  const float* residual;  // activated by lrelu of slope 1 / unslope; null for none
  ptrdiff_t residual_stride;
  float unslope;          // 1 where the residual is not activated
  const float* base;      // null for none
  ptrdiff_t base_stride;
  float scale;
  float slope;            // 1 for no activation, 0 for relu
  float* out;
  ptrdiff_t out_stride;
  bool gate;              // out then has half as many columns
};

// A convolution with packed weights, computed as F(outputs, taps) of Toom and Cook: `points`
// products give `outputs` rows of a `taps`-tap filter. A longer filter is `groups` such filters
// side by side. outputs = 1, taps = 1 is the plain product.
struct ConvShape {
  Number number;
  int taps, outputs, groups;
  int in, out;    // channels, padded
  int dilation;
  int pad;        // rows of padding before the first row
  int chunk;      // blocks of tiles transformed before the products, sized for the cache
};

struct ConvCall {
  const ConvShape* shape;
  const void* weights;        // as ConvLayer::pack() lays them
  const float* weight_scale;  // int16: (points, out)
  View in;
  long first, last;           // output rows to make
  int from, to;               // output channels to make, multiples of the block
  Epilogue epilogue;
  void* scratch;              // conv_scratch() bytes, 64-byte aligned, this thread's own
};

// One instruction set's kernels.
struct Kernels {
  const char* name;
  int lanes;         // floats in a vector
  int block;         // output channels computed together: 2 * lanes
  int tiles;         // tiles computed together

  void (*conv[kNumbers])(const ConvCall&);  // null where it is not to be had

  // out[r] = norm(x[r]) * gamma + beta over `channels` of `stride` columns; then gelu if asked;
  // then, where `add` is given, + add[r].
  void (*layer_norm)(const float* x, float* out, const float* add, long rows, int channels,
                     int stride, const float* gamma, const float* beta, bool gelu);
  // x[r][0..columns) in place to probabilities; columns up to `stride` become 0.
  void (*softmax)(float* x, long rows, long columns, long stride);
  // Rows [first, last) of a depthwise convolution, padded "same": weights (taps, stride). Row r
  // goes to out + r x stride.
  void (*depthwise)(const View& in, float* out, long first, long last, int taps, int dilation,
                    const float* weights, const float* bias);
  // out[r] = tanh(bias + sum over taps and channels); weights (taps, stride).
  void (*project)(const View& in, long first, long last, int taps, int pad, const float* weights,
                  float bias, float* out);
  // out = mean + noise * exp(log_scale) * amount, columns of one row.
  void (*sample)(const float* mean, const float* log_scale, const float* noise, float amount,
                 float* out, int columns);
  // Multiply-adds done by `repeats` rounds of nothing else, for benchmarks.
  double (*peak[kNumbers])(long repeats);
};

// Null where this build lacks it (another processor family, or a compiler without the flags).
const Kernels* portable_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
const Kernels* int16_kernels();  // AVX-512 with VNNI: only the int16 parts
const Kernels* bf16_kernels();   // AVX-512 with BF16: only the bf16 parts

}  // namespace parley
