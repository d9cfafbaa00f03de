/* The plain interface of the voice engine. No function throws, and none trusts its caller: a bad
 * value is an error with a sentence, never a crash. A voice is read-only and may be shared by
 * threads; a session has buffers of its own and belongs to one caller at a time.
 *
 * Legend: n symbols, T frames of the latent, C = inter_channels, hop = product of rates.
 */
#ifndef PARLEY_API_H
#define PARLEY_API_H

#include <stdint.h>

#ifdef _WIN32
#define PARLEY_EXPORT __declspec(dllexport)
#else
#define PARLEY_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Fields as in vits/config.py. */
typedef struct {
  int32_t n_symbols, inter_channels, hidden_channels, filter_channels;
  int32_t n_heads, n_layers, kernel_size, window_size;
  int32_t resblock, n_resblocks, n_dilations;
  const int32_t* resblock_kernels;   /* (n_resblocks) */
  const int32_t* resblock_dilations; /* (n_resblocks, n_dilations) */
  int32_t n_upsamples, upsample_initial_channel;
  const int32_t* upsample_rates;     /* (n_upsamples) */
  const int32_t* upsample_kernels;   /* (n_upsamples) */
  int32_t n_speakers, gin_channels;
  int32_t flow_n_flows, flow_n_layers, flow_kernel_size;
  int32_t use_sdp, dp_filter_channels, dp_kernel_size, dp_n_flows, dp_n_bins, dp_dds_layers;
  float dp_tail_bound, leaky_slope;
} parley_architecture;

typedef struct parley_voice parley_voice;
typedef struct parley_session parley_session;

/* A tensor by name, `count` floats, valid until the next call; null if there is no such tensor. */
typedef const float* (*parley_lookup)(void* context, const char* name, int64_t count);

enum { PARLEY_FP32 = 0, PARLEY_INT16 = 1, PARLEY_BF16 = 2 };

/* Functions that fail return null or a negative number, and write a sentence to error[256]. */

/* The instruction sets this build and machine offer, best first, separated by spaces. */
PARLEY_EXPORT const char* parley_instruction_sets(void);

/* Whether the decoder can work in these numbers with this instruction set ("" for the best). */
PARLEY_EXPORT int parley_offers(const char* instruction_set, int number);

PARLEY_EXPORT parley_voice* parley_voice_new(const parley_architecture* sizes,
                                             const char* instruction_set, int number,
                                             parley_lookup lookup, void* context, char* error);
PARLEY_EXPORT void parley_voice_free(parley_voice* voice);

PARLEY_EXPORT parley_session* parley_session_new(const parley_voice* voice, int threads,
                                                 char* error);
PARLEY_EXPORT void parley_session_free(parley_session* session);

/* Text encoder and durations. noise (2, n), already scaled, or null for the deterministic
 * predictor; log_durations (n) is written. */
PARLEY_EXPORT int parley_encode(parley_session* session, const int64_t* ids, int64_t n,
                                int64_t speaker, const float* noise, float* log_durations,
                                char* error);

/* Begins to speak what was encoded, each symbol for frames[i] frames. Returns T. */
PARLEY_EXPORT int64_t parley_begin(parley_session* session, const int64_t* frames,
                                   float noise_scale, char* error);

/* Gives the noise (count, C) of the next frames. Returns how many frames, from the start, have all
 * they need for sound. */
PARLEY_EXPORT int64_t parley_give(parley_session* session, const float* noise, int64_t count,
                                  char* error);

/* Takes the sound that can be made with the frames before `until`: all that is left where that is
 * T. `room` samples at least until x hop less those taken before. Returns the number written. */
PARLEY_EXPORT int64_t parley_take(parley_session* session, int64_t until, float* audio,
                                  int64_t room, char* error);

#ifdef __cplusplus
}
#endif
#endif
