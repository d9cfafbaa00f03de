// Where the tensors of a voice come from while it is loaded, by their names in jaywalnut310/vits.
#pragma once
#include <stdexcept>
#include <string>

#include "api.h"
#include "conv_layer.h"

namespace parley {

// Something the caller gave cannot be used; the message says what.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Architecture : parley_architecture {};

// Reads tensors through the caller's function and knows what every layer needs to be built.
class Loader {
 public:
  Loader(const Architecture& sizes, const Kernels& kernels, parley_lookup lookup, void* context)
      : sizes(sizes), kernels(kernels), lookup_(lookup), context_(context) {}

  const Architecture sizes;
  const Kernels& kernels;

  // A tensor of `count` numbers; valid until the next call. Throws BadInput.
  const float* tensor(const std::string& name, size_t count) const;

  // name.weight (out, in, taps) and, unless `bias` is false, name.bias (out).
  Filter filter(const std::string& name, int out, int in, int taps = 1, bool bias = true) const;

  // A vector padded with zeros to a multiple of the block.
  Buffer<float> vector(const std::string& name, int count) const;

  int pad(int channels) const { return (int)round_up(channels, kernels.block); }

 private:
  parley_lookup lookup_;
  void* context_;
};

// Adds what a speaker's vector says to a layer's bias: out = bias + weights x speaker.
class Conditioning {
 public:
  Conditioning() = default;
  // `map`, as of Filter::pick_out, gives the layout of the biases it is added to.
  Conditioning(const Filter& filter, const std::vector<int>& map);
  bool given() const { return in_ > 0; }
  void add(const float* speaker, float* bias) const;

 private:
  int in_ = 0, out_ = 0;
  std::vector<float> weights_, bias_;  // (in, out)
};

// Gamma and beta of a layer norm.
struct Norm {
  int channels = 0, stride = 0;
  Buffer<float> gamma, beta;
  Norm() = default;
  Norm(const Loader& from, const std::string& name, int channels);
  void run(const Kernels& k, Crew& crew, const float* x, float* out, long rows,
           const float* add = nullptr, bool gelu = false) const;
};

}  // namespace parley
