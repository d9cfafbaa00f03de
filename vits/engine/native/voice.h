// A voice's networks, read-only and shared, and a session that speaks with it.
#pragma once
#include <memory>
#include <mutex>

#include "decoder.h"
#include "durations.h"
#include "encoder.h"
#include "flow.h"

namespace parley {

// What one call works with and leaves nothing in: sessions that take turns share one.
struct Room {
  explicit Room(int threads) : crew(threads) {}
  Crew crew;
  Arena memory;
};

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

  // A room with so many threads, to be given back. Any thread may ask.
  std::unique_ptr<Room> take_room(int threads) const;
  void give_back(std::unique_ptr<Room> room) const noexcept;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Room>> rooms_;  // that nobody works in
  std::vector<float> speaker_vectors_;
};

class Session {
 public:
  Session(const Voice& voice, int threads) : voice_(voice), threads_(threads) {}

  // The steps of api.h. They throw BadInput, or std::bad_alloc.
  void encode(const int64_t* ids, int64_t n, int64_t speaker, const float* noise,
              float* log_durations);
  int64_t begin(const int64_t* frames, float noise_scale);
  int64_t give(const float* noise, int64_t count);
  int64_t take(int64_t until, float* audio, int64_t room);

 private:
  void add_frames(const float* noise, long count);

  const Voice& voice_;
  const int threads_;
  Buffer<float> prior_memory_;
  View prior_{};  // of each symbol, see Encoded
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
