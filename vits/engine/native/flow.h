// The prior's flow, run backwards (VITS 2.1.3), as frames come: every layer keeps the few rows its
// next output needs, so that a stream computes exactly what the whole sentence would, once.
#pragma once
#include "weights.h"

namespace parley {

class Flow {
 public:
  Flow(const Loader& from, Number number);

  // After an odd number of couplings the channels come out in reverse.
  bool flipped() const { return couplings_.size() % 2 != 0; }

  // What one stream holds.
  struct State {
    Signal halves[2];             // of the latent; frames not yet finished
    std::vector<Signal> inputs;   // of each WaveNet layer
    std::vector<long> done;       // rows made by each
    Buffer<float> gated;          // one layer's gated rows, for a moment
    std::vector<std::vector<float>> biases;  // of each coupling's layers, with the speaker's part
  };

  // Starts a stream. `speaker` is the speaker's vector or null.
  void begin(State& s, const float* speaker) const;

  // Moves on with what was appended to both halves of the state, of `total` frames in all. Returns
  // the number of frames from the start that are finished; the caller may forget those it took.
  long push(Crew& crew, State& s, long total) const;

 private:
  struct Layer {
    ConvLayer gate, residual, output;  // no residual in the last of a coupling
  };
  struct Coupling {
    ConvLayer pre;
    std::vector<Layer> layers;
    Conditioning speaker;  // of all layers' biases, one after the other
  };
  int hidden_, half_;  // padded
  std::vector<Coupling> couplings_;  // in the order they run
};

}  // namespace parley
