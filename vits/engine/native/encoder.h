// The text encoder: a transformer with relative positions (VITS 2.1.3; Shaw et al., 2018).
#pragma once
#include "weights.h"

namespace parley {

// Everything about one text: hidden rows, and the prior of each symbol.
struct Encoded {
  View hidden;  // (n, hidden)
  View prior;   // (n, 2 x latent): means, then log deviations, each in two padded halves
};

class TextEncoder {
 public:
  // Always in fp32, since durations are rounded from what it says.
  TextEncoder(const Loader& from, Tiles tiles);

  // Ids must be below the number of symbols. The result lies in `memory`.
  Encoded run(Crew& crew, Arena& memory, const int64_t* ids, long n) const;

 private:
  struct Layer {
    ConvLayer queries_keys_values, relative_keys, output, widen, narrow;
    Norm norm_1, norm_2;
    Buffer<float> relative_values;  // packed (head, window), see attend()
  };
  struct Scratch;

  void attend(Crew& crew, int worker, const Layer& layer, int head, long n, const Scratch& s) const;

  const Kernels& kernels_;
  int hidden_, stride_, heads_, head_, window_, filter_;  // head_ is padded
  Buffer<float> embedding_;                               // (symbols, stride)
  std::vector<Layer> layers_;
  ConvLayer prior_;
  int symbols_;
};

// Where the two halves of C latent channels lie, each padded to the block, once or as often as
// `times` says (means and deviations); -1 is padding. `flip` counts channels from the end.
std::vector<int> latent_places(int channels, int block, int times = 1, bool flip = false);

}  // namespace parley
