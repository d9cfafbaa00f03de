/* Single kernels, for the tests that hold each against PyTorch and for the benchmarks. Arrays are
 * plain (rows, channels), without padding. Functions return 0, or -1 where this machine or build
 * lacks the instruction set or the numbers. */
#ifndef PARLEY_TRY_H
#define PARLEY_TRY_H

#include "api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int32_t number, tiles, threads; /* tiles: 0 small to 2 large */
  int32_t out, in, taps, dilation, pad, gate;
  float slope, scale, unslope;
  const float *weights, *bias;   /* (out, in, taps), (out) */
  const float *residual, *base;  /* (last - first, out), or null */
} parley_try_layer;

/* Output rows [first, last), (last - first, out) or half as many columns for a gate, of an input
 * whose rows [0, rows) exist. */
PARLEY_EXPORT int parley_try_conv(const char* instruction_set, const parley_try_layer* layer,
                                  const float* x, int64_t rows, int64_t first, int64_t last,
                                  float* out);

/* add (rows, channels) may be null. */
PARLEY_EXPORT int parley_try_layer_norm(const char* instruction_set, const float* x,
                                        const float* add, int64_t rows, int32_t channels,
                                        const float* gamma, const float* beta, int32_t gelu,
                                        float* out);

PARLEY_EXPORT int parley_try_softmax(const char* instruction_set, float* x, int64_t rows,
                                     int64_t columns);

/* weights (taps, channels) */
PARLEY_EXPORT int parley_try_depthwise(const char* instruction_set, const float* x, int64_t rows,
                                       int32_t channels, int32_t taps, int32_t dilation,
                                       const float* weights, const float* bias, float* out);

/* out (rows): tanh of a convolution to one channel; weights (taps, channels) */
PARLEY_EXPORT int parley_try_project(const char* instruction_set, const float* x, int64_t rows,
                                     int32_t channels, int32_t taps, const float* weights,
                                     float bias, float* out);

/* parameters (n, 3 bins - 1) */
PARLEY_EXPORT void parley_try_spline(const float* y, const float* parameters, int64_t n,
                                     int32_t bins, float tail, float scale, float* out);

/* Multiply-adds per second of nothing but products, for about so many seconds; 0 if there are no
 * such kernels. */
PARLEY_EXPORT double parley_try_peak(const char* instruction_set, int32_t number, double seconds);

#ifdef __cplusplus
}
#endif
#endif
