#include "api.h"

#include <cstdio>
#include <exception>

#include "voice.h"

using namespace parley;

struct parley_voice {
  Voice voice;
};
struct parley_session {
  Session session;
};

namespace {

// Runs work() and turns what it throws into a sentence and `failed`.
template <class Result, class Work>
Result guarded(char* error, Result failed, Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    std::snprintf(error, 256, "there is not enough memory");
  } catch (const std::exception& problem) {
    std::snprintf(error, 256, "%s", problem.what());
  }
  return failed;
}

const Kernels& kernels_for(const char* instruction_set, int number) {
  const Kernels* kernels = find_kernels(instruction_set);
  if (!kernels)
    throw BadInput(std::string("this machine or build lacks the instruction set ") +
                   instruction_set + "; it has " + instruction_sets());
  if (number < 0 || number >= kNumbers || !kernels->conv[number])
    throw BadInput(std::string("these numbers are not to be had with ") + kernels->name);
  return *kernels;
}

}  // namespace

const char* parley_instruction_sets(void) {
  static const std::string names = instruction_sets();
  return names.c_str();
}

int parley_offers(const char* instruction_set, int number) {
  char error[256];
  return guarded(error, 0, [&] { return &kernels_for(instruction_set, number) ? 1 : 0; });
}

parley_voice* parley_voice_new(const parley_architecture* sizes, const char* instruction_set,
                               int number, parley_lookup lookup, void* context, char* error) {
  return guarded(error, (parley_voice*)nullptr, [&] {
    const Loader loader({*sizes}, kernels_for(instruction_set, number), lookup, context);
    return new parley_voice{Voice(loader, (Number)number)};
  });
}

void parley_voice_free(parley_voice* voice) { delete voice; }

parley_session* parley_session_new(const parley_voice* voice, int threads, char* error) {
  return guarded(error, (parley_session*)nullptr, [&] {
    if (threads < 1 || threads > 64) throw BadInput("threads must be from 1 to 64");
    return new parley_session{Session(voice->voice, threads)};
  });
}

void parley_session_free(parley_session* session) { delete session; }

int parley_encode(parley_session* session, const int64_t* ids, int64_t n, int64_t speaker,
                  const float* noise, float* log_durations, char* error) {
  return guarded(error, -1, [&] {
    session->session.encode(ids, n, speaker, noise, log_durations);
    return 0;
  });
}

int64_t parley_begin(parley_session* session, const int64_t* frames, float noise_scale,
                     char* error) {
  return guarded(error, (int64_t)-1, [&] { return session->session.begin(frames, noise_scale); });
}

int64_t parley_give(parley_session* session, const float* noise, int64_t count, char* error) {
  return guarded(error, (int64_t)-1, [&] { return session->session.give(noise, count); });
}

int64_t parley_take(parley_session* session, int64_t until, float* audio, int64_t room,
                    char* error) {
  return guarded(error, (int64_t)-1, [&] { return session->session.take(until, audio, room); });
}
