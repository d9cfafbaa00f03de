// Kernels over rows of channels that are not convolutions, or depthwise ones.
#pragma once
#include "kernels.h"
#include "simd.h"

namespace {

// Channels are padded with zeros, which the variance must not count: the last vector's real lanes.
INLINE Vec lanes_below(int count) {
  Vec v;
  for (int i = 0; i < kLanes; i++) v[i] = i < count ? 1.f : 0.f;
  return v;
}

void layer_norm(const float* x, float* out, const float* add, long rows, int channels, int stride,
                const float* gamma, const float* beta, bool gelu) {
  const int whole = channels / kLanes * kLanes, rest = channels - whole;
  const Vec tail = lanes_below(rest);
  const float share = 1.f / (float)channels;
  for (long r = 0; r < rows; r++, x += stride, out += stride) {
    Vec sum = Vec{};
    for (int c = 0; c < stride; c += kLanes) sum += load(x + c);
    const Vec mean = all(sum_of(sum) * share);
    Vec square = Vec{};
    for (int c = 0; c < whole; c += kLanes) {
      const Vec d = load(x + c) - mean;
      square += d * d;
    }
    if (rest) {
      const Vec d = (load(x + whole) - mean) * tail;
      square += d * d;
    }
    const Vec scale = all(1.f / root(sum_of(square) * share + 1e-5f));
    for (int c = 0; c < stride; c += kLanes) {
      Vec y = (load(x + c) - mean) * scale * load(gamma + c) + load(beta + c);
      if (gelu) y = vgelu(y);
      if (add) y += load(add + r * stride + c);
      store(out + c, y);
    }
  }
}

void softmax(float* x, long rows, long columns, long stride) {
  for (long r = 0; r < rows; r++, x += stride) {
    for (long c = columns; c < stride; c++) x[c] = -1e30f;
    Vec top = load(x);
    for (long c = kLanes; c < stride; c += kLanes) top = vmax(top, load(x + c));
    const Vec most = all(max_of(top));
    Vec sum = Vec{};
    for (long c = 0; c < stride; c += kLanes) {
      const Vec e = vexp(load(x + c) - most);
      sum += e;
      store(x + c, e);
    }
    const Vec share = all(1.f / sum_of(sum));
    for (long c = 0; c < stride; c += kLanes) store(x + c, load(x + c) * share);
    for (long c = columns; c < stride; c++) x[c] = 0;
  }
}

void depthwise(const parley::View& in, float* out, long first, long last, int taps, int dilation,
               const float* weights, const float* bias) {
  const long pad = (long)(taps - 1) * dilation / 2;
  for (long r = first; r < last; r++) {
    for (int c = 0; c < in.stride; c += kLanes) {
      Vec sum = load(bias + c);
      for (int k = 0; k < taps; k++) {
        const long from = r - pad + (long)k * dilation;
        if (from >= in.begin && from < in.end)
          sum += load(in.data + (from - in.begin) * in.stride + c) * load(weights + k * in.stride + c);
      }
      store(out + r * in.stride + c, sum);
    }
  }
}

void project(const parley::View& in, long first, long last, int taps, int pad,
             const float* weights, float bias, float* out) {
  for (long r = first; r < last; r++) {
    Vec sum = Vec{}, other = Vec{};
    for (int k = 0; k < taps; k++) {
      const long from = r - pad + k;
      if (from < in.begin || from >= in.end) continue;
      const float *x = in.data + (from - in.begin) * in.stride, *w = weights + k * in.stride;
      for (int c = 0; c < in.stride; c += kBlock) {
        sum += load(x + c) * load(w + c);
        other += load(x + c + kLanes) * load(w + c + kLanes);
      }
    }
    out[r - first] = bias + sum_of(sum + other);
  }
  const long count = last - first;
  long i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, vtanh(load(out + i)));
  if (i < count) {
    float rest[kLanes] = {};
    memcpy(rest, out + i, (size_t)(count - i) * 4);
    store(rest, vtanh(load(rest)));
    memcpy(out + i, rest, (size_t)(count - i) * 4);
  }
}

void sample(const float* mean, const float* log_scale, const float* noise, float amount, float* out,
            int columns) {
  for (int c = 0; c < columns; c += kLanes)
    store(out + c, load(mean + c) + load(noise + c) * (vexp(load(log_scale + c)) * amount));
}

}  // namespace
