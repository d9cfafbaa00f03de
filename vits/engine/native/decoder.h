// The decoder: a HiFi-GAN generator (VITS 2.3; Kong et al., 2020), as frames come.
//
// Stages keep the rows their next outputs need. Within a stage rows are made in tiles that stay in
// a core's own cache from the upsampling to the last residual block, several at a time.
#pragma once
#include "weights.h"

namespace parley {

class Decoder {
 public:
  // `flipped`: the latent's channels come in reverse.
  Decoder(const Loader& from, Number number, bool flipped);

  struct State {
    Signal latent;                // (frames, C in two padded halves)
    std::vector<Signal> signals;  // input of each stage, then of the last projection; activated
    long made = 0;                // samples
    Buffer<float> bias;           // of the first convolution, with the speaker's part
    std::vector<Buffer<float>> tiles;  // of each worker
  };

  int hop() const { return hop_; }
  void begin(State& s, const Crew& crew, const float* speaker) const;

  // Makes what can be made of the latent's frames before `until`, of `total`. Returns samples.
  long push(Crew& crew, State& s, long until, long total, float* audio) const;

 private:
  // y = conv(lrelu(x)) + x, or, where there is a second one, conv2(lrelu(conv(lrelu(x)))) + x.
  struct Step {
    ConvLayer first, second;
    bool twice = false;
    long reach = 0;  // rows needed on either side
  };
  struct Block {
    std::vector<Step> steps;
    long reach = 0;
  };
  struct Stage {
    ConvLayer up;  // rate x width output channels: the rows between two input rows, side by side
    int rate = 1, trim = 0, width = 0;
    std::vector<Block> blocks;
    long reach = 0, tile = 0;  // rows
    float slope = 1;           // of the activation that follows
  };

  void run_stage(Crew& crew, const Stage& stage, State& s, const Signal& in, Signal& out,
                 long total_in, long total_out) const;
  void run_tile(Crew& crew, int worker, const Stage& stage, float* room, const View& in, long first,
                long last, long total, float* out) const;
  void run_block(Crew& crew, int worker, const Stage& stage, size_t number, View x, long first,
                 long last, long total, float* room, float* sum, float* out) const;
  size_t tile_room(const Stage& stage, long rows) const;

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
