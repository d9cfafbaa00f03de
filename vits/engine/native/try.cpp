#include "try.h"

#include <algorithm>
#include <chrono>

#include "durations.h"
#include "voice.h"

using namespace parley;

namespace {

// Rows with their channels padded, as kernels want them. An empty one stands for null.
struct Padded {
  int stride;
  Buffer<float> data;

  Padded(const float* x, long rows, int channels, int block)
      : stride((int)round_up(channels, block)), data(x ? (size_t)rows * stride : 0) {
    for (long r = 0; x && r < rows; r++)
      std::copy_n(x + r * channels, channels, data.data() + r * stride);
  }
  void copy_to(float* out, long rows, int channels) const {
    for (long r = 0; r < rows; r++)
      std::copy_n(data.data() + r * stride, channels, out + r * channels);
  }
};

}  // namespace

int parley_try_conv(const char* instruction_set, const parley_try_layer* l, const float* x,
                    int64_t rows, int64_t first, int64_t last, float* out) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k || !k->conv[l->number]) return -1;
  Filter filter(l->out, l->in, l->taps);
  std::copy_n(l->weights, filter.weights.size(), filter.weights.begin());
  std::copy_n(l->bias, filter.bias.size(), filter.bias.begin());
  const int half = l->out / 2;
  std::vector<int> places;  // of a gate: a vector of each half in turn
  for (int c = 0; l->gate && c < round_up(half, k->block); c += k->lanes)
    for (int part = 0; part < 2; part++)
      for (int i = c; i < c + k->lanes; i++) places.push_back(i < half ? part * half + i : -1);
  const ConvLayer layer(*k, l->gate ? filter.pick_out(places) : filter,
                        {(Number)l->number, (Tiles)l->tiles}, l->dilation, l->pad);
  Crew crew(l->threads);
  const Padded input(x, rows, l->in, k->block), residual(l->residual, last - first, l->out, k->block);
  const Padded base(l->base, last - first, l->out, k->block);
  const int columns = l->gate ? half : l->out;
  const std::vector<float> empty((size_t)((last - first) * columns));
  Padded made(empty.data(), last - first, columns, k->block);
  Epilogue e = plain(made.data.data(), made.stride);
  e.gate = l->gate != 0;
  e.slope = l->slope, e.scale = l->scale, e.unslope = l->unslope;
  e.residual = residual.data.data(), e.residual_stride = residual.stride;
  e.base = base.data.data(), e.base_stride = base.stride;
  layer.run(crew, {input.data.data(), input.stride, 0, rows}, first, last, e);
  made.copy_to(out, last - first, columns);
  return 0;
}

int parley_try_layer_norm(const char* instruction_set, const float* x, const float* add,
                          int64_t rows, int32_t channels, const float* gamma, const float* beta,
                          int32_t gelu, float* out) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k) return -1;
  Padded in(x, rows, channels, k->block);
  const Padded more(add, rows, channels, k->block), g(gamma, 1, channels, k->block);
  const Padded b(beta, 1, channels, k->block);
  k->layer_norm(in.data.data(), in.data.data(), more.data.data(), rows, channels, in.stride,
                g.data.data(), b.data.data(), gelu != 0);
  in.copy_to(out, rows, channels);
  return 0;
}

int parley_try_softmax(const char* instruction_set, float* x, int64_t rows, int64_t columns) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k) return -1;
  Padded in(x, rows, (int)columns, k->block);
  k->softmax(in.data.data(), rows, columns, in.stride);
  in.copy_to(x, rows, (int)columns);
  return 0;
}

int parley_try_depthwise(const char* instruction_set, const float* x, int64_t rows,
                         int32_t channels, int32_t taps, int32_t dilation, const float* weights,
                         const float* bias, float* out) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k) return -1;
  const Padded in(x, rows, channels, k->block), w(weights, taps, channels, k->block);
  const Padded b(bias, 1, channels, k->block);
  Padded made(x, rows, channels, k->block);
  k->depthwise({in.data.data(), in.stride, 0, rows}, made.data.data(), 0, rows, taps, dilation,
               w.data.data(), b.data.data());
  made.copy_to(out, rows, channels);
  return 0;
}

int parley_try_project(const char* instruction_set, const float* x, int64_t rows,
                       int32_t channels, int32_t taps, const float* weights, float bias,
                       float* out) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k) return -1;
  const Padded in(x, rows, channels, k->block), w(weights, taps, channels, k->block);
  k->project({in.data.data(), in.stride, 0, rows}, 0, rows, taps, taps / 2, w.data.data(), bias,
             out);
  return 0;
}

void parley_try_spline(const float* y, const float* parameters, int64_t n, int32_t bins,
                       float tail, float scale, float* out) {
  for (int64_t i = 0; i < n; i++)
    out[i] = spline_inverse(y[i], parameters + i * (3 * bins - 1), bins, tail, scale);
}

double parley_try_peak(const char* instruction_set, int32_t number, double seconds) {
  const Kernels* k = find_kernels(instruction_set);
  if (!k || number < 0 || number >= kNumbers || !k->peak[number]) return 0;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begun = Clock::now();
  double best = 0, spent = 0;
  while (spent < seconds) {
    const Clock::time_point start = Clock::now();
    const double done = k->peak[number](2000);
    best = std::max(best, done / std::chrono::duration<double>(Clock::now() - start).count());
    spent = std::chrono::duration<double>(Clock::now() - begun).count();
  }
  return best;
}
