#include "weights.h"

#include <algorithm>

namespace parley {

const float* Loader::tensor(const std::string& name, size_t count) const {
  const float* data = lookup_(context_, name.c_str(), (int64_t)count);
  if (!data) throw BadInput(name + " is missing, or has another shape than the architecture says");
  return data;
}

Filter Loader::filter(const std::string& name, int out, int in, int taps, bool bias) const {
  Filter f(out, in, taps);
  const float* weights = tensor(name + ".weight", f.weights.size());
  std::copy_n(weights, f.weights.size(), f.weights.begin());
  if (bias) std::copy_n(tensor(name + ".bias", f.bias.size()), f.bias.size(), f.bias.begin());
  return f;
}

Buffer<float> Loader::vector(const std::string& name, int count) const {
  Buffer<float> v((size_t)pad(count));
  std::copy_n(tensor(name, (size_t)count), count, v.data());
  return v;
}

Conditioning::Conditioning(const Filter& filter, const std::vector<int>& map)
    : in_(filter.in), out_((int)map.size()) {
  const Filter f = filter.pick_out(map);
  bias_ = f.bias;
  weights_.resize(f.weights.size());
  for (int o = 0; o < out_; o++)
    for (int i = 0; i < in_; i++) weights_[(size_t)i * out_ + o] = f.at(o, i, 0);
}

void Conditioning::add(const float* speaker, float* bias) const {
  for (int o = 0; o < out_; o++) bias[o] += bias_[(size_t)o];
  for (int i = 0; i < in_; i++)
    for (int o = 0; o < out_; o++) bias[o] += weights_[(size_t)i * out_ + o] * speaker[i];
}

Norm::Norm(const Loader& from, const std::string& name, int channels)
    : channels(channels),
      stride(from.pad(channels)),
      gamma(from.vector(name + ".gamma", channels)),
      beta(from.vector(name + ".beta", channels)) {}

void Norm::run(const Kernels& k, Crew& crew, const float* x, float* out, long rows,
               const float* add, bool gelu) const {
  crew.split(rows, 32, [&](long from, long to, int) {
    const long at = from * stride;
    k.layer_norm(x + at, out + at, add ? add + at : nullptr, to - from, channels, stride,
                 gamma.data(), beta.data(), gelu);
  });
}

}  // namespace parley
