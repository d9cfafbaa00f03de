// One convolution: transform a chunk of tiles into panels, multiply, transform back, finish.
//
// A tile is `Outputs` output rows, `dilation` rows apart, so that its inputs are a plain filter's.
// Tiles t and t + 1 start one row apart within a group of Outputs x dilation rows.
#pragma once
#include "kernels.h"
#include "product.h"
#include "transform.h"

namespace {

using parley::ConvCall;
using parley::ConvShape;
using parley::Epilogue;

// Stores one row's block of outputs; r is the row within the call, n the channel.
INLINE void finish(const Epilogue& e, long r, int n, Vec a, Vec b) {
  if (e.bias) a += load(e.bias + n), b += load(e.bias + n + kLanes);
  if (e.gate) return store(e.out + r * e.out_stride + n / 2, vgate(a, b));
  if (e.residual) {
    const float* p = e.residual + r * e.residual_stride + n;
    const Vec x = load(p), y = load(p + kLanes);
    a += vmin(x, x * e.unslope);
    b += vmin(y, y * e.unslope);
  }
  if (e.base) {
    const float* p = e.base + r * e.base_stride + n;
    a += load(p), b += load(p + kLanes);
  }
  if (e.scale != 1.f) a *= e.scale, b *= e.scale;
  if (e.slope != 1.f) a = lrelu(a, all(e.slope)), b = lrelu(b, all(e.slope));
  float* out = e.out + r * e.out_stride + n;
  store(out, a), store(out + kLanes, b);
}

template <class N, int Taps, int Outputs>
struct Convolution {
  typedef Transform<Taps, Outputs> T;
  static constexpr int P = T::kPoints;

  const ConvCall& call;
  const ConvShape& shape;
  const long rows;     // to make
  const long tiles;    // that have a row to make
  const int steps;     // of the products
  const size_t panel;  // bytes of one point's panel of kTiles tiles

  explicit Convolution(const ConvCall& c)
      : call(c),
        shape(*c.shape),
        rows(c.last - c.first),
        tiles(tiles_of(rows, shape.dilation)),
        steps(shape.groups * shape.in / N::kStep),
        panel((size_t)steps * kTiles * 4 * kLanes) {}

  static long tiles_of(long rows, long dilation) {
    const long group = Outputs * dilation, rest = rows % group;
    return rows / group * dilation + (rest < dilation ? rest : dilation);
  }
  // The first row of each tile, one after the other.
  struct Walk {
    long row, phase;
    const long dilation;
    Walk(long tile, long dilation)
        : row(tile / dilation * Outputs * dilation + tile % dilation),
          phase(tile % dilation),
          dilation(dilation) {}
    void next() {
      row++;
      if (++phase == dilation) phase = 0, row += (Outputs - 1) * dilation;
    }
  };

  // Tiles are multiplied kTiles at a time; the last few in a smaller block.
  static int width_of(long left) {
    return left > kTiles * 2 / 3 ? kTiles : left > kTiles / 3 ? kTiles * 2 / 3 : kTiles / 3;
  }

  void run() const {
    char* scratch = (char*)call.scratch;
    float* edge = (float*)scratch;
    scratch += (size_t)P * shape.in * 4;
    char* results = scratch;
    scratch += (size_t)P * kTiles * kBlock * 4;
    float* staging = (float*)scratch;
    if (sizeof(typename N::Item) == 2) scratch += 2 * P * panel;
    float* scales = (float*)scratch;  // of each block of the chunk, a vector of points
    scratch += (size_t)shape.chunk * kLanes * 4;
    const size_t weight_block = (size_t)P * steps * N::kStep * kBlock * sizeof(typename N::Item);

    for (long start = 0; start < tiles; start += (long)shape.chunk * kTiles) {
      const long end = start + (long)shape.chunk * kTiles;
      const long stop = end < tiles ? end : tiles;
      char* panels = scratch;
      float* scale = scales;
      for (long t = start; t < stop; t += kTiles, panels += P * panel, scale += kLanes)
        transform(t, width_of(stop - t), panels, staging, edge, scale);
      for (int n = call.from; n < call.to; n += kBlock) {
        const char* weights = (const char*)call.weights + n / kBlock * weight_block;
        panels = scratch;
        scale = scales;
        for (long t = start; t < stop; t += kTiles, panels += P * panel, scale += kLanes)
          multiply(t, width_of(stop - t), n, panels, weights, results, scale);
      }
    }
  }

  // Transforms `width` tiles from tile `first` on into one panel per point.
  __attribute__((noinline)) void transform(long first, int width, char* panels, float* staging,
                                           float* edge, float* scale) const {
    const parley::View in = call.in;
    const int channels = shape.in, groups = shape.groups;
    const long dilation = shape.dilation, last = tiles - 1;
    float* const floats = sizeof(typename N::Item) == 4 ? (float*)panels : staging;
    const size_t point = panel / sizeof(typename N::Item);  // floats from point to point
    for (int g = 0; g < groups; g++) {
      Walk walk(first, dilation);
      const long shift = call.first - shape.pad + g * Taps * dilation;
      for (int m = 0; m < width; m++) {
        const long top = shift + walk.row;
        const float* source = in.data + (top - in.begin) * in.stride;
        ptrdiff_t stride = in.stride * dilation;
        if (top < in.begin || top + (P - 1) * dilation >= in.end) {
          gather(in, top, edge);
          source = edge;
          stride = channels;
        }
        float* to = floats + ((size_t)g * channels / kLanes * width + m) * kLanes;
        for (int c = 0; c < channels; c += kLanes) {
          Vec d[P], u[P];
          UNROLL for (int p = 0; p < P; p++) d[p] = load(source + p * stride + c);
          T::input(d, u);
          UNROLL for (int p = 0; p < P; p++) store(to + p * point + (size_t)c * width, u[p]);
        }
        if (first + m < last) walk.next();  // the last tile fills the block
      }
    }
    narrow((N*)nullptr, width, floats, point, panels, scale);
  }

  // A tile's inputs at the edge of the signal, with the rows outside as zeros.
  void gather(const parley::View& in, long top, float* edge) const {
    for (int p = 0; p < P; p++, top += shape.dilation) {
      if (top < in.begin || top >= in.end)
        memset(edge + (size_t)p * shape.in, 0, (size_t)shape.in * 4);
      else
        memcpy(edge + (size_t)p * shape.in, in.data + (top - in.begin) * in.stride,
               (size_t)shape.in * 4);
    }
  }

  void narrow(Fp32*, int, const float*, size_t, char*, float*) const {}
#if defined(__AVX512VNNI__)
  // To 16 bits, scaled at each point so that no tile's length exceeds kLength.
  void narrow(Int16*, int width, const float* floats, size_t point, char* panels,
              float* scale) const {
    static_assert(P <= kLanes, "a vector holds a number for each point");
    alignas(64) float factors[kLanes] = {};
    const int vectors = 2 * steps;  // of a tile at a point
    for (int p = 0; p < P; p++) {
      Vec most = Vec{};  // of the sums of squares of any tile, lane by lane
      for (int m = 0; m < width; m++) {
        const float* from = floats + p * point + m * kLanes;
        Vec even = Vec{}, odd = Vec{};
        for (int i = 0; i < vectors; i += 2, from += 2 * width * kLanes) {
          const Vec a = load(from), b = load(from + width * kLanes);
          even += a * a;
          odd += b * b;
        }
        most = vmax(most, even + odd);
      }
      factors[p] = sum_of(most);
    }
    const Vec length = vmax(_mm512_sqrt_ps(load(factors)), all(1e-30f));
    store(scale, length * (1 / Int16::kLength));
    store(factors, Int16::kLength / length);
    for (int p = 0; p < P; p++, floats += point, panels += panel) {
      const Vec factor = all(factors[p]);
      for (int s = 0; s < steps; s++) {
        for (int m = 0; m < width; m++) {
          const float* from = floats + (2 * s * width + m) * kLanes;
          const __m512i a = _mm512_cvtps_epi32(load(from) * factor);
          const __m512i b = _mm512_cvtps_epi32(load(from + width * kLanes) * factor);
          _mm512_storeu_si512(panels + (size_t)(s * width + m) * 64, _mm512_packs_epi32(a, b));
        }
      }
    }
  }
#endif
#if defined(__AVX512BF16__)
  void narrow(Bf16*, int width, const float* floats, size_t point, char* panels, float*) const {
    for (int p = 0; p < P; p++, floats += point, panels += panel)
      for (int s = 0; s < steps; s++)
        for (int m = 0; m < width; m++) {
          const float* from = floats + (2 * s * width + m) * kLanes;
          const __m512bh pair = _mm512_cvtne2ps_pbh(load(from + width * kLanes), load(from));
          _mm512_storeu_si512(panels + (size_t)(s * width + m) * 64, (__m512i)pair);
        }
  }
#endif

  void multiply(long first, int width, int n, const char* panels, const char* weights,
                char* results, const float* scale) const {
    const size_t row = (size_t)kBlock * 4, point = (size_t)width * row;
    const size_t weight_point = (size_t)steps * N::kStep * kBlock * sizeof(typename N::Item);
    for (int p = 0; p < P; p++) {
      const char *a = panels + p * panel, *w = weights + p * weight_point;
      char* out = results + p * point;
      if (width == kTiles) N::template product<kTiles>(a, steps, w, out);
      else if (width == kTiles * 2 / 3) N::template product<kTiles * 2 / 3>(a, steps, w, out);
      else N::template product<kTiles / 3>(a, steps, w, out);
    }
    Vec scales[2][P];
    if (N::kScaled) {
      const float* s = call.weight_scale + n;
      for (int p = 0; p < P; p++, s += shape.out)
        scales[0][p] = load(s) * scale[p], scales[1][p] = load(s + kLanes) * scale[p];
    }
    const Epilogue e = call.epilogue;  // a copy: the compiler knows that no store changes it
    const long end = rows, dilation = shape.dilation;
    const int count = tiles - first < width ? (int)(tiles - first) : width;
    Walk walk(first, dilation);
    for (int m = 0; m < count; m++, walk.next()) {
      Vec v[P], low[Outputs], high[Outputs];
      const char* at = results + m * row;
      UNROLL for (int p = 0; p < P; p++) v[p] = N::result(at + p * point, scales[0][p]);
      T::output(v, low);
      UNROLL for (int p = 0; p < P; p++) v[p] = N::result(at + p * point + row / 2, scales[1][p]);
      T::output(v, high);
      long r = walk.row;
      UNROLL for (int i = 0; i < Outputs; i++, r += dilation)
        if (r < end) finish(e, r, n, low[i], high[i]);
    }
  }
};

template <class N, int Taps, int Outputs>
void convolve(const ConvCall& call) {
  Convolution<N, Taps, Outputs>(call).run();
}

}  // namespace
