// A voice's networks, read-only and shared, and a session that speaks with it.
#pragma once
#include <memory>
#include <optional>

#include "decoder.h"
#include "durations.h"
#include "encoder.h"
#include "flow.h"

namespace parley {

class Voice {
 public:
  explicit Voice(const Loader& from, Number number);

  const Kernels& kernels;
  const int symbols, latent, half, speakers, speaker_width;  // half is padded
  const TextEncoder encoder;
  const std::unique_ptr<const Durations> durations;
  const Flow flow;
  const Decoder decoder;

  // Row `speaker` of the speaker vectors, or null in a voice with one speaker.
  const float* speaker(int64_t number) const;

 private:
  std::vector<float> speaker_vectors_;
};

class Session {
 public:
  Session(const Voice& voice, int threads) : voice_(voice), crew_(threads) {}

  // The steps of api.h. They throw BadInput, or std::bad_alloc.
  void encode(const int64_t* ids, int64_t n, int64_t speaker, const float* noise,
              float* log_durations);
  int64_t begin(const int64_t* frames, float noise_scale);
  int64_t give(const float* noise, int64_t count);
  int64_t take(int64_t until, float* audio, int64_t room);

 private:
  void add_frames(const float* noise, long count);

  const Voice& voice_;
  Crew crew_;
  Arena memory_;  // of what was encoded
  Encoded encoded_{};
  const float* speaker_ = nullptr;
  std::vector<long> ends_;  // of each symbol, in frames
  size_t symbol_ = 0;       // that the next frame belongs to
  long total_ = 0, given_ = 0;
  float noise_scale_ = 0;
  Flow::State flow_;
  Decoder::State decoder_;
};

// The kernels of an instruction set by name, or the best this machine has for "". Null if it has
// none of that name.
const Kernels* find_kernels(const std::string& name);
std::string instruction_sets();

}  // namespace parley
