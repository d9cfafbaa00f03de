#include "voice.h"

#include <algorithm>
#include <cmath>

namespace parley {
namespace {

constexpr int64_t kMostFrames = 1 << 20;  // over three hours: a bound for memory, not for speech

}  // namespace

Voice::Voice(const Loader& from, Number number)
    : kernels(from.kernels),
      symbols(from.sizes.n_symbols),
      latent(from.sizes.inter_channels),
      half(from.pad(latent / 2)),
      speakers(from.sizes.n_speakers),
      speaker_width(from.sizes.gin_channels),
      encoder(from, number == kFp32 ? kSmallTiles : kMediumTiles),
      durations(make_durations(from)),
      flow(from, number),
      decoder(from, number, flow.flipped()) {
  if (speakers) {
    const size_t count = (size_t)speakers * speaker_width;
    const float* rows = from.tensor("emb_g.weight", count);
    speaker_vectors_.assign(rows, rows + count);
  }
}

const float* Voice::speaker(int64_t number) const {
  return speakers ? &speaker_vectors_[(size_t)number * speaker_width] : nullptr;
}

std::unique_ptr<Room> Voice::take_room(int threads) const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::unique_ptr<Room>& room : rooms_) {
      if (room->crew.size() != threads) continue;
      std::swap(room, rooms_.back());
      std::unique_ptr<Room> found = std::move(rooms_.back());
      rooms_.pop_back();
      return found;
    }
  }
  return std::make_unique<Room>(threads);
}

void Voice::give_back(std::unique_ptr<Room> room) const noexcept try {
  const std::lock_guard<std::mutex> lock(mutex_);
  rooms_.push_back(std::move(room));
} catch (const std::bad_alloc&) {
  // No memory to keep it: the next call makes another.
}

namespace {

// A room for as long as this lives.
class Borrowed {
 public:
  Borrowed(const Voice& voice, int threads) : voice_(voice), room_(voice.take_room(threads)) {}
  ~Borrowed() { voice_.give_back(std::move(room_)); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Room* operator->() { return room_.get(); }

 private:
  const Voice& voice_;
  std::unique_ptr<Room> room_;
};

}  // namespace

void Session::encode(const int64_t* ids, int64_t n, int64_t speaker, const float* noise,
                     float* log_durations) {
  total_ = 0;
  prior_ = {};
  if (n < 1 || n > kMostFrames) throw BadInput("the text is empty or far too long");
  for (int64_t i = 0; i < n; i++)
    if (ids[i] < 0 || ids[i] >= voice_.symbols)
      throw BadInput("a symbol id is not one of this voice's");
  if (speaker < 0 || speaker >= std::max(1, voice_.speakers))
    throw BadInput("this voice has no such speaker");
  speaker_ = voice_.speaker(speaker);
  std::vector<float> silence;
  if (!noise) {
    silence.resize(2 * (size_t)n);
    noise = silence.data();
  }
  Borrowed room(voice_, threads_);
  room->memory.reset();
  const Encoded encoded = voice_.encoder.run(room->crew, room->memory, ids, n);
  voice_.durations->run(room->crew, room->memory, encoded.hidden, speaker_, noise, log_durations);
  const size_t size = (size_t)(n * encoded.prior.stride);
  std::copy_n(encoded.prior.data, size, prior_memory_.grow(size));
  prior_ = {prior_memory_.data(), encoded.prior.stride, 0, n};
}

int64_t Session::begin(const int64_t* frames, float noise_scale) {
  const long n = prior_.end;
  total_ = 0;
  if (n == 0) throw BadInput("nothing was encoded");
  if (!std::isfinite(noise_scale)) throw BadInput("the noise scale is not a number");
  ends_.clear();
  long total = 0;
  for (long i = 0; i < n; i++) {
    if (frames[i] < 0 || (total += frames[i] > kMostFrames ? kMostFrames : frames[i]) > kMostFrames)
      throw BadInput("the sentence would be far too long");
    ends_.push_back(total);
  }
  voice_.flow.begin(flow_, speaker_);
  voice_.decoder.begin(decoder_, speaker_);
  symbol_ = 0;
  given_ = 0;
  noise_scale_ = noise_scale;
  return total_ = total;
}

// The prior of the next frames: their symbol's mean, and its deviation times the noise.
void Session::add_frames(const float* noise, long count) {
  const int half = voice_.half, real = voice_.latent / 2;
  float* to[2] = {flow_.halves[0].append(count), flow_.halves[1].append(count)};
  std::vector<float> padded_noise((size_t)half);
  for (long i = 0; i < count; i++, given_++) {
    while (given_ >= ends_[symbol_]) symbol_++;
    const float* prior = prior_.data + (ptrdiff_t)symbol_ * prior_.stride;
    for (int part = 0; part < 2; part++) {
      std::copy_n(noise + i * 2 * real + part * real, real, padded_noise.data());
      voice_.kernels.sample(prior + part * half, prior + (2 + part) * half, padded_noise.data(),
                            noise_scale_, to[part] + i * half, half);
    }
  }
}

int64_t Session::give(const float* noise, int64_t count) {
  if (count < 0 || count > total_ - given_) throw BadInput("more noise than there are frames");
  add_frames(noise, count);
  Borrowed room(voice_, threads_);
  const long ready = voice_.flow.push(room->crew, flow_, total_), from = decoder_.latent.end();
  const int half = voice_.half;
  float* latent = decoder_.latent.append(ready - from);
  for (long t = from; t < ready; t++)
    for (Signal& part : flow_.halves) latent = std::copy_n(part.row(t), half, latent);
  for (Signal& part : flow_.halves) part.forget(ready);
  return ready;
}

int64_t Session::take(int64_t until, float* audio, int64_t room) {
  if (until < 0 || until > decoder_.latent.end()) throw BadInput("those frames are not ready");
  if (room < until * (int64_t)voice_.decoder.hop() - decoder_.made)
    throw BadInput("there is no room for the sound");
  Borrowed place(voice_, threads_);
  return voice_.decoder.push(place->crew, decoder_, until, total_, audio);
}

}  // namespace parley
