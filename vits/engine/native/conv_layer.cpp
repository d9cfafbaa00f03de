#include "conv_layer.h"

#include <algorithm>
#include <cmath>

#include "toom.h"

namespace parley {
namespace {

struct Form {
  int taps, outputs;
};

// What conv() of kernels.cpp, int16.cpp and bf16.cpp know. How far each kind of number can go was
// measured on whole voices.
const std::vector<Form>& forms(Arithmetic a) {
  static const std::vector<Form> by_size[3] = {
      {{1, 1}, {2, 3}, {3, 2}, {5, 4}, {7, 4}},
      {{1, 1}, {2, 3}, {3, 4}, {5, 4}, {7, 4}},
      {{1, 1}, {2, 5}, {3, 6}, {5, 6}, {6, 5}, {7, 6}}};
  static const std::vector<Form> bf16{{1, 1}, {2, 3}, {3, 2}, {5, 2}, {7, 2}};
  return a.number == kBf16 ? bf16 : by_size[a.tiles];
}

// The form with the fewest products for a filter of so many taps.
ConvShape cheapest(int taps, Arithmetic arithmetic) {
  ConvShape best{};
  double least = 1e9;
  for (const Form& form : forms(arithmetic)) {
    const int groups = (taps + form.taps - 1) / form.taps;
    const double cost = (double)groups * (form.taps + form.outputs - 1) / form.outputs;
    if (cost < least) {
      least = cost;
      best.taps = form.taps, best.outputs = form.outputs, best.groups = groups;
    }
  }
  best.number = arithmetic.number;
  return best;
}

int points_of(const ConvShape& s) { return s.taps + s.outputs - 1; }

// The filter's polynomial at every point: (points, taps). The last point is infinity.
std::vector<double> evaluation(const ConvShape& s) {
  const int n = points_of(s);
  if (n == 1) return {1.0};
  std::vector<double> points{0};
  for (int j = 0; j < n / 2 - 1; j++) {
    points.push_back(toom::kPoints[n / 2 - 1][j]);
    points.push_back(-toom::kPoints[n / 2 - 1][j]);
  }
  std::vector<double> g((size_t)n * s.taps, 0.0);
  for (int p = 0; p < n - 1; p++) {
    double norm = 1;
    for (int q = 0; q < n - 1; q++)
      if (q != p) norm *= points[p] - points[q];
    for (int k = 0; k < s.taps; k++) g[(size_t)p * s.taps + k] = std::pow(points[p], k) / norm;
  }
  g[(size_t)n * s.taps - 1] = 1;
  return g;
}

uint16_t to_bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Where channel c of 32 lies after two vectors of 16 were packed within 128-bit lanes.
int packed_place(int c) { return c % 16 / 4 * 8 + c / 16 * 4 + c % 4; }

}  // namespace

Filter Filter::pick_out(const std::vector<int>& map) const {
  Filter f((int)map.size(), in, taps);
  const size_t row = (size_t)in * taps;
  for (size_t o = 0; o < map.size(); o++) {
    if (map[o] < 0) continue;
    std::copy_n(weights.begin() + map[o] * (long)row, row, f.weights.begin() + (long)(o * row));
    f.bias[o] = bias[(size_t)map[o]];
  }
  return f;
}

Filter Filter::pick_in(const std::vector<int>& map) const {
  Filter f(out, (int)map.size(), taps);
  f.bias = bias;
  for (int o = 0; o < out; o++)
    for (size_t i = 0; i < map.size(); i++)
      if (map[i] >= 0)
        for (int k = 0; k < taps; k++) f.at(o, (int)i, k) = at(o, map[i], k);
  return f;
}

std::vector<int> padded(int count, int block) {
  std::vector<int> map((size_t)round_up(count, block), -1);
  for (int i = 0; i < count; i++) map[(size_t)i] = i;
  return map;
}

ConvLayer::ConvLayer(const Kernels& kernels, const Filter& filter, Arithmetic arithmetic,
                     int dilation, int pad)
    : kernels_(&kernels), shape_(cheapest(filter.taps, arithmetic)) {
  shape_.in = (int)round_up(filter.in, kernels.block);
  shape_.out = (int)round_up(filter.out, kernels.block);
  shape_.dilation = dilation;
  shape_.pad = pad;
  // As many blocks at a time as leave room for weights in a second-level cache.
  const size_t item = arithmetic.number == kFp32 ? 4 : 2;
  const size_t block = (size_t)points_of(shape_) * shape_.groups * shape_.in * kernels.tiles * item;
  shape_.chunk = (int)std::clamp<size_t>((384 << 10) / block, 1, 16);
  bias_ = Buffer<float>((size_t)shape_.out);
  std::copy(filter.bias.begin(), filter.bias.end(), bias_.data());
  pack(filter);
}

// Weights lie as [block of outputs][point][group, channel][output]; the 16-bit kinds hold two
// channels of an output side by side.
void ConvLayer::pack(const Filter& f) {
  const int points = points_of(shape_), block = kernels_->block;
  const int depth = shape_.groups * shape_.in;
  const size_t item = shape_.number == kFp32 ? 4 : 2;
  const std::vector<double> g = evaluation(shape_);
  weights_.grow((size_t)shape_.out * points * depth * item);
  if (shape_.number == kInt16) weight_scale_.grow((size_t)points * shape_.out);

  std::vector<float> part((size_t)points * depth * block);  // one block of outputs, as floats
  for (int n = 0; n < shape_.out; n += block) {
    std::fill(part.begin(), part.end(), 0.f);
    for (int o = n; o < std::min(n + block, f.out); o++) {
      for (int i = 0; i < f.in; i++) {
        const float* taps = &f.weights[((size_t)o * f.in + i) * f.taps];
        for (int group = 0; group < shape_.groups; group++) {
          const int first = group * shape_.taps, count = std::min(shape_.taps, f.taps - first);
          for (int p = 0; p < points; p++) {
            double sum = 0;
            for (int k = 0; k < count; k++) sum += g[(size_t)p * shape_.taps + k] * taps[first + k];
            const size_t channel = (size_t)group * shape_.in + i;
            part[((size_t)p * depth + channel) * block + (o - n)] = (float)sum;
          }
        }
      }
    }
    char* to = weights_.data() + (size_t)n * points * depth * item;
    if (shape_.number == kFp32) {
      std::memcpy(to, part.data(), part.size() * 4);
      continue;
    }
    for (int p = 0; p < points; p++) {
      for (int o = 0; o < block; o++) {
        const float* column = &part[(size_t)p * depth * block + o];
        auto place = [&](int c) {
          const int q = shape_.number == kInt16 ? c / 32 * 32 + packed_place(c % 32) : c;
          return (((size_t)p * depth / 2 + q / 2) * block + o) * 2 + q % 2;
        };
        if (shape_.number == kBf16) {
          for (int c = 0; c < depth; c++) ((uint16_t*)to)[place(c)] = to_bf16(column[c * block]);
          continue;
        }
        double square = 0, largest = 0;
        for (int c = 0; c < depth; c++) {
          const double w = column[c * block];
          square += w * w;
          largest = std::max(largest, std::fabs(w));
        }
        const double scale =
            std::max({std::sqrt(square) / kInt16WeightLength, largest / 32767, 1e-30});
        weight_scale_[(size_t)p * shape_.out + n + o] = (float)scale;
        for (int c = 0; c < depth; c++)
          ((int16_t*)to)[place(c)] = (int16_t)std::lrint(column[c * block] / scale);
      }
    }
  }
}

size_t ConvLayer::scratch_bytes(long rows) const {
  const size_t points = (size_t)points_of(shape_), tiles = (size_t)kernels_->tiles;
  const size_t panel = (size_t)shape_.groups * shape_.in * tiles * (shape_.number == kFp32 ? 4 : 2);
  const long most = std::min(rows, rows / shape_.outputs + shape_.dilation);  // tiles_of() of conv.h
  const long blocks = most / kernels_->tiles + 1;
  const size_t chunk = (size_t)std::min<long>(shape_.chunk, blocks);
  return points * shape_.in * 4                                        // edge
         + points * tiles * kernels_->block * 4                        // results
         + (shape_.number == kFp32 ? 0 : 2 * points * panel)           // before narrowing
         + (size_t)shape_.chunk * kernels_->lanes * 4                  // scales
         + chunk * points * panel;
}

void ConvLayer::run_part(Crew& crew, int worker, const View& in, long first, long last, int from,
                         int to, const Epilogue& epilogue) const {
  if (first >= last) return;
  ConvCall call{&shape_, weights_.data(), weight_scale_.data(), in, first, last, from, to,
                epilogue, crew.scratch(worker).data()};
  if (!call.epilogue.bias) call.epilogue.bias = bias_.data();
  kernels_->conv[shape_.number](call);
}

void ConvLayer::run_on(Crew& crew, int worker, const View& in, long first, long last,
                       const Epilogue& epilogue) const {
  run_part(crew, worker, in, first, last, 0, shape_.out, epilogue);
}

void ConvLayer::reserve(Crew& crew, long rows) const { crew.reserve(scratch_bytes(rows)); }

void ConvLayer::run(Crew& crew, const View& in, long first, long last, Epilogue epilogue) const {
  const long block = (long)kernels_->tiles * shape_.outputs;
  if (shape_.out / kernels_->block % crew.size() != 0 && last - first >= crew.size() * block)
    return run_rows(crew, in, first, last, epilogue);
  reserve(crew, last - first);
  crew.split(shape_.out, kernels_->block, [&](long from, long to, int worker) {
    run_part(crew, worker, in, first, last, (int)from, (int)to, epilogue);
  });
}

void ConvLayer::run_rows(Crew& crew, const View& in, long first, long last,
                         const Epilogue& epilogue) const {
  reserve(crew, last - first);
  const long block = round_up((long)kernels_->tiles * shape_.outputs, unit());
  crew.split(last - first, block, [&](long from, long to, int worker) {
    Epilogue e = epilogue;
    e.out += from * e.out_stride;
    if (e.base) e.base += from * e.base_stride;
    if (e.residual) e.residual += from * e.residual_stride;
    run_part(crew, worker, in, first + from, first + to, 0, shape_.out, e);
  });
}

Epilogue plain(float* out, ptrdiff_t stride) {
  return {nullptr, nullptr, 0, 1, nullptr, 0, 1, 1, out, stride, false};
}

}  // namespace parley
