#include "durations.h"

#include <algorithm>
#include <cmath>

namespace parley {
namespace {

constexpr float kLeastBin = 1e-3f, kLeastSlope = 1e-3f;
constexpr int kMostBins = 64;

const Arithmetic kSteady{kFp32, kSmallTiles};

// Copies a bias and adds what the speaker says to it.
const float* conditioned(const ConvLayer& layer, const Conditioning& by, const float* speaker,
                         Arena& memory) {
  if (!by.given() || !speaker) return layer.bias();
  float* bias = memory.take((size_t)layer.shape().out);
  std::copy_n(layer.bias(), layer.shape().out, bias);
  by.add(speaker, bias);
  return bias;
}

// Dilated and depth-separable convolutions; each layer adds to its input.
class Separable {
 public:
  Separable() = default;
  Separable(const Loader& from, const std::string& name) {
    const int width = from.sizes.dp_filter_channels;
    taps_ = from.sizes.dp_kernel_size;
    stride_ = from.pad(width);
    for (int i = 0; i < from.sizes.dp_dds_layers; i++) {
      const std::string number = std::to_string(i);
      const Filter deep = from.filter(name + ".convs_sep." + number, width, 1, taps_);
      Layer layer;
      layer.weights = Buffer<float>((size_t)taps_ * stride_);
      layer.bias = Buffer<float>((size_t)stride_);
      for (int c = 0; c < width; c++) {
        layer.bias[(size_t)c] = deep.bias[(size_t)c];
        for (int k = 0; k < taps_; k++) layer.weights[(size_t)k * stride_ + c] = deep.at(c, 0, k);
      }
      layer.point = ConvLayer(from.kernels, from.filter(name + ".convs_1x1." + number, width, width),
                              kSteady);
      layer.norm_1 = Norm(from, name + ".norms_1." + number, width);
      layer.norm_2 = Norm(from, name + ".norms_2." + number, width);
      layers_.push_back(std::move(layer));
    }
  }

  // x (n, stride) in place; y and z as large.
  void run(const Kernels& k, Crew& crew, float* x, long n, float* y, float* z) const {
    int dilation = 1;
    for (const Layer& layer : layers_) {
      crew.split(n, 32, [&](long from, long to, int) {
        k.depthwise({x, stride_, 0, n}, y, from, to, taps_, dilation, layer.weights.data(),
                    layer.bias.data());
      });
      layer.norm_1.run(k, crew, y, y, n, nullptr, true);
      layer.point.run(crew, {y, stride_, 0, n}, 0, n, plain(z, stride_));
      layer.norm_2.run(k, crew, z, x, n, x, true);
      dilation *= taps_;
    }
  }

 private:
  struct Layer {
    Buffer<float> weights, bias;
    ConvLayer point;
    Norm norm_1, norm_2;
  };
  int taps_ = 0, stride_ = 0;
  std::vector<Layer> layers_;
};

// Sampling runs the flow backwards: noise becomes log durations, given the text.
class Stochastic : public Durations {
 public:
  explicit Stochastic(const Loader& from)
      : kernels_(from.kernels),
        stride_(from.pad(from.sizes.dp_filter_channels)),
        bins_(from.sizes.dp_n_bins),
        tail_(from.sizes.dp_tail_bound),
        scale_(1.f / std::sqrt((float)from.sizes.dp_filter_channels)) {
    const int width = from.sizes.dp_filter_channels, parameters = 3 * bins_ - 1;
    if (bins_ > kMostBins) throw BadInput("the duration predictor's splines have too many bins");
    pre_ = ConvLayer(kernels_, from.filter("dp.pre", width, from.sizes.hidden_channels), kSteady);
    if (from.sizes.gin_channels)
      speaker_ = Conditioning(from.filter("dp.cond", width, from.sizes.gin_channels),
                              padded(width, kernels_.block));
    convs_ = Separable(from, "dp.convs");
    proj_ = ConvLayer(kernels_, from.filter("dp.proj", width, width), kSteady);
    const float* m = from.tensor("dp.flows.0.m", 2);
    shift_ = m[0];
    log_scale_ = from.tensor("dp.flows.0.logs", 2)[0];
    // From the last flow to the third: the original leaves out the second when it samples.
    for (int i = 2 * from.sizes.dp_n_flows - 1; i > 1; i -= 2) {
      const std::string at = "dp.flows." + std::to_string(i);
      Coupling c;
      const Filter in = from.filter(at + ".pre", width, 1);
      c.weights = Buffer<float>((size_t)stride_);
      c.bias = Buffer<float>((size_t)stride_);
      std::copy(in.weights.begin(), in.weights.end(), c.weights.data());
      std::copy(in.bias.begin(), in.bias.end(), c.bias.data());
      c.convs = Separable(from, at + ".convs");
      c.proj = ConvLayer(kernels_, from.filter(at + ".proj", parameters, width), kSteady);
      couplings_.push_back(std::move(c));
    }
  }

  void run(Crew& crew, Arena& memory, const View& hidden, const float* speaker,
           const float* noise, float* out) const override {
    const long n = hidden.end;
    const size_t size = (size_t)n * stride_;
    const int columns = (int)round_up(3 * bins_ - 1, kernels_.block);
    float *given = memory.take(size), *x = memory.take(size), *y = memory.take(size);
    float *z = memory.take(size), *parameters = memory.take((size_t)n * columns);
    Epilogue to = plain(x, stride_);
    to.bias = conditioned(pre_, speaker_, speaker, memory);
    pre_.run(crew, hidden, 0, n, to);
    convs_.run(kernels_, crew, x, n, y, z);
    proj_.run(crew, {x, stride_, 0, n}, 0, n, plain(given, stride_));

    std::vector<float> still(noise, noise + n), moved(noise + n, noise + 2 * n);
    for (const Coupling& c : couplings_) {
      std::swap(still, moved);  // the flip before each coupling
      for (long t = 0; t < n; t++) {
        float* row = x + t * stride_;
        const float* text = given + t * stride_;
        for (int i = 0; i < stride_; i++)
          row[i] = text[i] + still[(size_t)t] * c.weights[(size_t)i] + c.bias[(size_t)i];
      }
      c.convs.run(kernels_, crew, x, n, y, z);
      c.proj.run(crew, {x, stride_, 0, n}, 0, n, plain(parameters, columns));
      for (long t = 0; t < n; t++)
        moved[(size_t)t] =
            spline_inverse(moved[(size_t)t], parameters + t * columns, bins_, tail_, scale_);
    }
    std::swap(still, moved);
    for (long t = 0; t < n; t++) out[t] = (still[(size_t)t] - shift_) * std::exp(-log_scale_);
  }

 private:
  struct Coupling {
    Buffer<float> weights, bias;
    Separable convs;
    ConvLayer proj;
  };
  const Kernels& kernels_;
  int stride_, bins_;
  float tail_, scale_, shift_ = 0, log_scale_ = 0;
  ConvLayer pre_, proj_;
  Conditioning speaker_;
  Separable convs_;
  std::vector<Coupling> couplings_;
};

class Deterministic : public Durations {
 public:
  explicit Deterministic(const Loader& from)
      : kernels_(from.kernels), stride_(from.pad(from.sizes.dp_filter_channels)) {
    const int width = from.sizes.dp_filter_channels, hidden = from.sizes.hidden_channels;
    const int taps = from.sizes.dp_kernel_size, pad = taps / 2;
    conv_1_ = ConvLayer(kernels_, from.filter("dp.conv_1", width, hidden, taps), kSteady, 1, pad);
    conv_2_ = ConvLayer(kernels_, from.filter("dp.conv_2", width, width, taps), kSteady, 1, pad);
    norm_1_ = Norm(from, "dp.norm_1", width);
    norm_2_ = Norm(from, "dp.norm_2", width);
    proj_ = ConvLayer(kernels_, from.filter("dp.proj", 1, width), kSteady);
    if (from.sizes.gin_channels)
      speaker_ = Conditioning(from.filter("dp.cond", hidden, from.sizes.gin_channels),
                              padded(hidden, kernels_.block));
  }

  void run(Crew& crew, Arena& memory, const View& hidden, const float* speaker, const float*,
           float* out) const override {
    const long n = hidden.end;
    const int width = (int)hidden.stride, columns = proj_.shape().out;
    float *input = memory.take((size_t)n * width), *last = memory.take((size_t)n * columns);
    float *x = memory.take((size_t)n * stride_), *y = memory.take((size_t)n * stride_);
    std::vector<float> shift((size_t)width);
    if (speaker_.given() && speaker) speaker_.add(speaker, shift.data());
    for (long i = 0; i < n * width; i++) input[i] = hidden.data[i] + shift[(size_t)(i % width)];
    Epilogue relu = plain(x, stride_);
    relu.slope = 0;
    conv_1_.run(crew, {input, width, 0, n}, 0, n, relu);
    norm_1_.run(kernels_, crew, x, x, n);
    relu.out = y;
    conv_2_.run(crew, {x, stride_, 0, n}, 0, n, relu);
    norm_2_.run(kernels_, crew, y, y, n);
    proj_.run(crew, {y, stride_, 0, n}, 0, n, plain(last, columns));
    for (long t = 0; t < n; t++) out[t] = last[t * columns];
  }

 private:
  const Kernels& kernels_;
  int stride_;
  ConvLayer conv_1_, conv_2_, proj_;
  Norm norm_1_, norm_2_;
  Conditioning speaker_;
};

// Bin edges in [-tail, tail] from unnormalised sizes: edges (bins + 1).
void edges_of(const float* sizes, int bins, float tail, float scale, float* edges) {
  float e[kMostBins], top = -1e30f, sum = 0, at = 0;
  for (int i = 0; i < bins; i++) top = std::max(top, sizes[i] * scale);
  for (int i = 0; i < bins; i++) sum += e[i] = std::exp(sizes[i] * scale - top);
  edges[0] = -tail;
  for (int i = 0; i < bins; i++) {
    at += kLeastBin + (1 - kLeastBin * (float)bins) * (e[i] / sum);
    edges[i + 1] = 2 * tail * at - tail;
  }
  edges[bins] = tail;
}

float softplus(float x) { return x > 20 ? x : std::log1p(std::exp(x)); }

}  // namespace

float spline_inverse(float y, const float* parameters, int bins, float tail, float scale) {
  if (!(y >= -tail && y <= tail)) return y;
  float x_edges[kMostBins + 1], y_edges[kMostBins + 1];
  edges_of(parameters, bins, tail, scale, x_edges);
  edges_of(parameters + bins, bins, tail, scale, y_edges);
  int bin = 0;
  while (bin < bins - 1 && y >= y_edges[bin + 1]) bin++;
  // The outermost derivatives are 1, as those of the tails.
  auto slope = [&](int edge) {
    return edge == 0 || edge == bins ? 1.f : kLeastSlope + softplus(parameters[2 * bins + edge - 1]);
  };
  const float width = x_edges[bin + 1] - x_edges[bin], height = y_edges[bin + 1] - y_edges[bin];
  const float chord = height / width, left = slope(bin), right = slope(bin + 1);
  const float up = y - y_edges[bin], bend = left + right - 2 * chord;
  const float a = up * bend + height * (chord - left), b = height * left - up * bend;
  const float c = -chord * up;
  const float root = 2 * c / (-b - std::sqrt(std::max(0.f, b * b - 4 * a * c)));
  return root * width + x_edges[bin];
}

std::unique_ptr<Durations> make_durations(const Loader& from) {
  if (from.sizes.use_sdp) return std::make_unique<Stochastic>(from);
  return std::make_unique<Deterministic>(from);
}

}  // namespace parley
