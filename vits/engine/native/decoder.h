// The decoder: a HiFi-GAN generator (VITS 2.3; Kong et al., 2020), as frames come.
//
// Every convolution keeps the rows that its next outputs need, so nothing is computed twice. A few
// rows at a time go all the way to samples: what passes between convolutions stays in the cache.
#pragma once
#include "weights.h"

namespace parley {

class Decoder {
 public:
  // `flipped`: the latent's channels come in reverse.
  Decoder(const Loader& from, Number number, bool flipped);

  struct StageState {
    Signal in;                                 // activated, as all signals here
    Signal x;                                  // upsampled; `trim` rows of no use come first
    std::vector<std::vector<Signal>> between;  // of each block, what its convolutions pass on
    long asked = 0;                            // rows of `in` that were upsampled
  };
  struct State {
    Signal latent;  // (frames, C in two padded halves)
    std::vector<StageState> stages;
    Signal last;         // input of the last projection
    long made = 0;       // samples
    float* to = nullptr;  // where the next sample goes
    Buffer<float> bias;  // of the first convolution, with the speaker's part
    Buffer<float> sum;   // of a stage's blocks, for a moment
  };

  int hop() const { return hop_; }
  void begin(State& s, const float* speaker) const;

  // Makes what can be made of the latent's frames before `until`, of `total`. Returns samples.
  long push(Crew& crew, State& s, long until, long total, float* audio) const;

 private:
  // One convolution of a residual block. A block is y = conv(lrelu(x)) + x, or, in pairs,
  // y = conv2(lrelu(conv1(lrelu(x)))) + x, several times.
  struct Link {
    ConvLayer conv;
    int adds;  // the link whose input is added to what this one makes; -1 for none
  };
  typedef std::vector<Link> Block;
  struct Stage {
    ConvLayer up;  // rate x width output channels: the rows between two input rows, side by side
    int rate = 1, trim = 0, width = 0;
    std::vector<Block> blocks;
    long unit = 1, step = 1;  // rows that the last convolutions like; input rows at a time
    float slope = 1;          // of the activation that follows
  };

  void run_stage(Crew& crew, State& s, size_t number, long limit, long total) const;
  void run_blocks(Crew& crew, const Stage& stage, StageState& st, Buffer<float>& sum, Signal& out,
                  long total) const;
  void project(Crew& crew, State& s, long total) const;

  const Kernels& kernels_;
  int hop_ = 1;
  float slope_;
  ConvLayer pre_;
  Conditioning speaker_;
  std::vector<Stage> stages_;
  Buffer<float> post_;  // (taps, width)
  int post_taps_;
};

}  // namespace parley
