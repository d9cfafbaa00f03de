#include "decoder.h"

#include <algorithm>

#include "encoder.h"

namespace parley {
namespace {

constexpr int kEnds = 7;              // taps of the first and the last convolution
constexpr float kLastSlope = 0.01f;   // of the activation before the last convolution
constexpr long kTileFloats = 72 << 10;  // of one buffer of a tile; three are in use

// Rows of a tile's buffer, from row `base` of the signal on, of which [first, last) exist.
View view_of(const float* room, int width, long base, long first, long last) {
  return {room + (first - base) * width, width, first, last};
}

// A transposed convolution as a plain one over input rows: output row q holds the `rate` samples
// that start at q x rate - trim.
Filter beside(const Filter& f, const float* weights, int rate, int kernel, int width) {
  const int taps = (kernel + rate - 1) / rate, out = f.out;
  Filter side(rate * width, f.in, taps);
  for (int r = 0; r < rate; r++) {
    for (int o = 0; o < out; o++) {
      side.bias[(size_t)(r * width + o)] = f.bias[(size_t)o];
      for (int i = 0; i < f.in; i++)
        for (int k = r, tap = taps - 1; k < kernel; k += rate, tap--)
          side.at(r * width + o, i, tap) = weights[((size_t)i * out + o) * kernel + k];
    }
  }
  return side;
}

long floor_divide(long a, long b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

}  // namespace

Decoder::Decoder(const Loader& from, Number number, bool flipped)
    : kernels_(from.kernels), slope_(from.sizes.leaky_slope), post_taps_(kEnds) {
  const Architecture& a = from.sizes;
  const Arithmetic arithmetic{number, kLargeTiles};
  const Kernels& k = kernels_;
  int width = a.upsample_initial_channel;
  const Filter pre = from.filter("dec.conv_pre", width, a.inter_channels, kEnds);
  // Narrow numbers here would cost 5 dB of what is heard, and save next to nothing.
  pre_ = ConvLayer(k, pre.pick_in(latent_places(a.inter_channels, k.block, 1, flipped)), {}, 1,
                   kEnds / 2);
  if (a.gin_channels)
    speaker_ = Conditioning(from.filter("dec.cond", width, a.gin_channels), padded(width, k.block));
  for (int i = 0; i < a.n_upsamples; i++) {
    Stage stage;
    const int rate = a.upsample_rates[i], kernel = a.upsample_kernels[i], out = width / 2;
    const std::string up = "dec.ups." + std::to_string(i);
    stage.rate = rate;
    stage.trim = (kernel - rate) / 2;
    stage.width = from.pad(out);
    hop_ *= rate;
    Filter f(out, width, 1);
    std::copy_n(from.tensor(up + ".bias", (size_t)out), out, f.bias.begin());
    const float* weights = from.tensor(up + ".weight", (size_t)width * out * kernel);
    const Filter side = beside(f, weights, rate, kernel, stage.width);
    stage.up = ConvLayer(k, side, arithmetic, 1, side.taps - 1);
    for (int j = 0; j < a.n_resblocks; j++) {
      const std::string at = "dec.resblocks." + std::to_string(i * a.n_resblocks + j);
      const int taps = a.resblock_kernels[j];
      Block block;
      for (int d = 0; d < a.n_dilations; d++) {
        const int dilation = a.resblock_dilations[j * a.n_dilations + d];
        const std::string which = "." + std::to_string(d);
        auto layer = [&](const std::string& stack, int dil) {
          return ConvLayer(k, from.filter(at + stack + which, out, out, taps), arithmetic, dil,
                           (taps - 1) / 2 * dil);
        };
        Step step;
        step.twice = a.resblock == 1;
        step.first = layer(step.twice ? ".convs1" : ".convs", dilation);
        if (step.twice) step.second = layer(".convs2", 1);
        step.reach = (taps - 1) / 2 * (long)(step.twice ? dilation + 1 : dilation);
        block.reach += step.reach;
        block.steps.push_back(std::move(step));
      }
      stage.reach = std::max(stage.reach, block.reach);
      const Step& last = block.steps.back();
      stage.tile = std::max(stage.tile, (last.twice ? last.second : last.first).unit());
      stage.blocks.push_back(std::move(block));
    }
    const long most = std::max(kTileFloats / stage.width, 2 * stage.reach);
    stage.tile *= std::max(1L, most / stage.tile);
    stage.slope = i + 1 < a.n_upsamples ? slope_ : kLastSlope;
    stages_.push_back(std::move(stage));
    width = out;
  }
  const int stride = from.pad(width);
  post_ = Buffer<float>((size_t)(kEnds * stride));
  const float* post = from.tensor("dec.conv_post.weight", (size_t)(width * kEnds));
  for (int c = 0; c < width; c++)
    for (int t = 0; t < kEnds; t++) post_[(size_t)(t * stride + c)] = post[c * kEnds + t];
}

void Decoder::begin(State& s, const Crew& crew, const float* speaker) const {
  s.latent.reset(pre_.shape().in);
  s.signals.resize(stages_.size() + 1);
  s.signals[0].reset(pre_.shape().out);
  for (size_t i = 0; i < stages_.size(); i++) s.signals[i + 1].reset(stages_[i].width);
  s.made = 0;
  std::copy_n(pre_.bias(), pre_.shape().out, s.bias.grow((size_t)pre_.shape().out));
  if (speaker_.given() && speaker) speaker_.add(speaker, s.bias.data());
  s.tiles.resize((size_t)crew.size());
}

long Decoder::push(Crew& crew, State& s, long until, long total, float* audio) const {
  const long ends = kEnds / 2;
  Signal& first = s.signals[0];
  const long from = first.end();
  const long to = until == total ? total : std::max(from, until - ends);
  Epilogue pre = plain(first.append(to - from), first.stride());
  pre.bias = s.bias.data();
  pre.slope = slope_;
  pre_.run(crew, s.latent.view(), from, to, pre);
  s.latent.forget(to - ends);

  for (size_t i = 0; i < stages_.size(); i++) {
    const Stage& stage = stages_[i];
    Signal &in = s.signals[i], &out = s.signals[i + 1];
    run_stage(crew, stage, s, in, out, total, total * stage.rate);
    total *= stage.rate;
    in.forget(floor_divide(out.end() - stage.reach + stage.trim, stage.rate) -
              stage.up.shape().pad);
  }

  Signal& last = s.signals.back();
  const long stop = last.end() == total ? total : std::max(s.made, last.end() - ends);
  const long begin = s.made;
  crew.split(stop - begin, 256, [&](long a, long b, int) {
    kernels_.project(last.view(), begin + a, begin + b, post_taps_, (int)ends, post_.data(), 0.f,
                     audio + a);
  });
  s.made = stop;
  last.forget(stop - ends);
  return stop - begin;
}

size_t Decoder::tile_room(const Stage& stage, long rows) const {
  return (size_t)(rows + 2 * stage.reach + 2 * stage.rate) * (size_t)stage.width;
}

void Decoder::run_stage(Crew& crew, const Stage& stage, State& s, const Signal& in, Signal& out,
                        long total_in, long total_out) const {
  const long first = out.end();
  long last = total_out;
  if (in.end() < total_in)
    last = std::max(first, in.end() * stage.rate - stage.trim - stage.reach);
  if (last <= first) return;
  // Several workers get as many tiles of the same size; one gets tiles that waste no work.
  const long rows_made = last - first;
  const long even = round_up((rows_made + stage.tile - 1) / stage.tile, crew.size());
  const long tile = crew.size() > 1 ? (rows_made + even - 1) / even : stage.tile;
  const long tiles = (rows_made + tile - 1) / tile;
  const size_t room = tile_room(stage, tile);
  for (Buffer<float>& memory : s.tiles) memory.grow(5 * room);
  const long rows = tile + 2 * stage.reach + 2 * stage.rate;
  stage.up.reserve(crew, rows);
  for (const Block& block : stage.blocks)
    for (const Step& step : block.steps) {
      step.first.reserve(crew, rows);
      if (step.twice) step.second.reserve(crew, rows);
    }
  float* rows_out = out.append(last - first);
  const View view = in.view();
  crew.run(tiles, [&](long i, int worker) {
    const long from = first + i * tile, to = std::min(last, from + tile);
    run_tile(crew, worker, stage, s.tiles[(size_t)worker].data(), view, from, to, total_out,
             rows_out + (from - first) * stage.width);
  });
}

// Output rows [first, last) of a stage. `room` holds five buffers of tile_room() floats.
void Decoder::run_tile(Crew& crew, int worker, const Stage& stage, float* room, const View& in,
                       long first, long last, long total, float* out) const {
  const long from = std::max(0L, first - stage.reach), to = std::min(total, last + stage.reach);
  const long q0 = floor_divide(from + stage.trim, stage.rate);
  const long q1 = floor_divide(to - 1 + stage.trim, stage.rate) + 1;
  const int width = stage.width;
  Epilogue up = plain(room, (ptrdiff_t)stage.rate * width);
  up.bias = stage.up.bias();
  up.slope = slope_;
  stage.up.run_on(crew, worker, in, q0, q1, up);
  const View x = view_of(room, width, q0 * stage.rate - stage.trim, from, to);
  const size_t size = tile_room(stage, last - first);
  for (size_t j = 0; j < stage.blocks.size(); j++)
    run_block(crew, worker, stage, j, x, first, last, total, room + size, room + 4 * size, out);
}

// One residual block; its output is added to `sum`, or, by the last block, averaged into `out`.
// `room` holds three buffers: two for the steps in turn and one between a step's convolutions.
void Decoder::run_block(Crew& crew, int worker, const Stage& stage, size_t number, View x,
                        long first, long last, long total, float* room, float* sum,
                        float* out) const {
  const Block& block = stage.blocks[number];
  const int width = stage.width;
  const size_t size = tile_room(stage, last - first);
  const bool final = number + 1 == stage.blocks.size();
  long reach = block.reach;
  for (size_t i = 0; i < block.steps.size(); i++) {
    const Step& step = block.steps[i];
    const bool leaves = i + 1 == block.steps.size();
    reach -= step.reach;
    const long from = std::max(0L, first - reach), to = std::min(total, last + reach);
    float* next = room + (i % 2) * size;

    Epilogue e = plain(leaves ? (final ? out : sum) : next, width);
    e.residual = x.data + (from - x.begin) * width;
    e.residual_stride = width;
    e.unslope = 1 / slope_;
    e.slope = slope_;
    if (leaves) {
      if (number) e.base = sum, e.base_stride = width;
      e.slope = final ? stage.slope : 1;
      if (final) e.scale = 1.f / (float)stage.blocks.size();
    }
    if (step.twice) {
      const long margin = step.second.shape().pad;
      const long mid_from = std::max(0L, from - margin), mid_to = std::min(total, to + margin);
      float* mid = room + 2 * size;
      Epilogue inner = plain(mid, width);
      inner.slope = slope_;
      step.first.run_on(crew, worker, x, mid_from, mid_to, inner);
      step.second.run_on(crew, worker, view_of(mid, width, mid_from, mid_from, mid_to), from, to, e);
    } else {
      step.first.run_on(crew, worker, x, from, to, e);
    }
    x = view_of(next, width, from, from, to);
  }
}

}  // namespace parley
