#include "decoder.h"

#include <algorithm>

#include "encoder.h"

namespace parley {
namespace {

constexpr int kEnds = 7;              // taps of the first and the last convolution
constexpr float kLastSlope = 0.01f;   // of the activation before the last convolution
constexpr long kStepFloats = 32 << 10;  // of a stage's signal, made at a time

// Fewer rows than this many units are made at once, even if some of the work is wasted.
constexpr long kPatience = 4;

// Rows up to `ready`, or a few less so that no work is wasted: the rest then waits for company.
long even(long first, long ready, long total, long unit) {
  const long rows = std::max(0L, ready - first);
  return first + (ready < total && rows > kPatience * unit ? rows / unit * unit : rows);
}

// Outputs up to here can be made of a signal's rows before `end`.
long reached(const ConvLayer& conv, long end, long total) {
  return end == total ? total : end - conv.shape().pad;
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
        auto link = [&](const std::string& stack, int dil, int adds) {
          const Filter filter = from.filter(at + stack + "." + std::to_string(d), out, out, taps);
          block.push_back({ConvLayer(k, filter, arithmetic, dil, (taps - 1) / 2 * dil), adds});
        };
        if (a.resblock == 1) {
          link(".convs1", dilation, -1);
          link(".convs2", 1, 2 * d);
        } else {
          link(".convs", dilation, d);
        }
      }
      stage.unit = std::max(stage.unit, block.back().conv.unit());
      stage.blocks.push_back(std::move(block));
    }
    stage.step = std::max(1L, kStepFloats / stage.width / rate);
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

void Decoder::begin(State& s, const float* speaker) const {
  s.latent.reset(pre_.shape().in);
  s.stages.resize(stages_.size());
  int width = pre_.shape().out;
  for (size_t i = 0; i < stages_.size(); i++) {
    const Stage& stage = stages_[i];
    StageState& st = s.stages[i];
    st.asked = 0;
    st.in.reset(width);
    st.x.reset(width = stage.width);
    st.between.resize(stage.blocks.size());
    for (size_t j = 0; j < stage.blocks.size(); j++) {
      st.between[j].resize(stage.blocks[j].size() - 1);
      for (Signal& signal : st.between[j]) signal.reset(width);
    }
  }
  s.last.reset(width);
  s.made = 0;
  std::copy_n(pre_.bias(), pre_.shape().out, s.bias.grow((size_t)pre_.shape().out));
  if (speaker_.given() && speaker) speaker_.add(speaker, s.bias.data());
}

long Decoder::push(Crew& crew, State& s, long until, long total, float* audio) const {
  const long ends = kEnds / 2, given = s.latent.end(), before = s.made;
  Signal& first = s.stages[0].in;
  const long limit = until == total ? total : std::max(0L, until - ends);
  if (first.end() < limit) {
    // Of all frames there are, not only those asked for: its weights are read each time.
    const long from = first.end(), to = given == total ? total : given - ends;
    Epilogue pre = plain(first.append(to - from), first.stride());
    pre.bias = s.bias.data();
    pre.slope = slope_;
    pre_.run(crew, s.latent.view(), from, to, pre);
    s.latent.forget(to - ends);
  }
  s.to = audio;
  run_stage(crew, s, 0, limit, total);
  for (StageState& st : s.stages) {
    st.in.slim();
    st.x.slim();
    for (std::vector<Signal>& block : st.between)
      for (Signal& signal : block) signal.slim();
  }
  s.last.slim();
  return s.made - before;
}

// Takes a stage's input rows before `limit`, of `total`, through it and all that follow.
void Decoder::run_stage(Crew& crew, State& s, size_t number, long limit, long total) const {
  const Stage& stage = stages_[number];
  StageState& st = s.stages[number];
  const bool leads = number + 1 < stages_.size();
  Signal& out = leads ? s.stages[number + 1].in : s.last;
  const long rate = stage.rate, made = total * rate;
  const long last = limit == total ? (made - 1 + stage.trim) / rate + 1 : limit;
  while (st.asked < last) {
    const long from = st.asked, to = std::min(last, from + stage.step);
    Epilogue up = plain(st.x.append((to - from) * rate), rate * stage.width);
    up.slope = slope_;
    stage.up.run_rows(crew, st.in.view(), from, to, up);
    st.asked = to;
    st.in.forget(to - stage.up.shape().pad);
    run_blocks(crew, stage, st, s.sum, out, made);
    if (leads) run_stage(crew, s, number + 1, out.end(), made);
    else project(crew, s, made);
  }
}

// Makes what rows of the average of a stage's blocks can be made of its upsampled signal.
void Decoder::run_blocks(Crew& crew, const Stage& stage, StageState& st, Buffer<float>& sum,
                         Signal& out, long total) const {
  const int width = stage.width;
  const long begin = std::max(0L, st.x.begin() - stage.trim);
  const View x{st.x.row(begin + stage.trim), width, begin,
               std::min(total, st.x.end() - stage.trim)};
  auto input = [&](size_t block, int link) {
    return link ? st.between[block][(size_t)link - 1].view() : x;
  };
  auto epilogue = [&](size_t block, const Link& link, float* to, long first) {
    Epilogue e = plain(to, width);
    e.slope = slope_;
    if (link.adds < 0) return e;
    const View added = input(block, link.adds);
    e.residual = added.data + (first - added.begin) * width;
    e.residual_stride = width;
    e.unslope = 1 / slope_;
    return e;
  };
  long ready = total;
  for (size_t j = 0; j < stage.blocks.size(); j++) {
    const Block& block = stage.blocks[j];
    for (size_t k = 0; k + 1 < block.size(); k++) {
      const ConvLayer& conv = block[k].conv;
      const View in = input(j, (int)k);
      Signal& made = st.between[j][k];
      const long first = made.end();
      const long end = even(first, reached(conv, in.end, total), total, conv.unit());
      float* to = made.append(end - first);
      conv.run_rows(crew, in, first, end, epilogue(j, block[k], to, first));
    }
    const ConvLayer& conv = block.back().conv;
    ready = std::min(ready, reached(conv, input(j, (int)block.size() - 1).end, total));
  }
  const long first = out.end(), end = even(first, ready, total, stage.unit);
  float *to = out.append(end - first), *room = sum.grow((size_t)((end - first) * width));
  for (size_t j = 0; j < stage.blocks.size(); j++) {
    const Block& block = stage.blocks[j];
    const bool final = j + 1 == stage.blocks.size();
    Epilogue e = epilogue(j, block.back(), final ? to : room, first);
    if (j) e.base = room, e.base_stride = width;
    e.slope = final ? stage.slope : 1;
    if (final) e.scale = 1.f / (float)stage.blocks.size();
    block.back().conv.run_rows(crew, input(j, (int)block.size() - 1), first, end, e);
  }
  long needed = end;  // rows of x from here on
  for (size_t j = 0; j < stage.blocks.size(); j++) {
    const Block& block = stage.blocks[j];
    for (size_t k = 0; k < block.size(); k++) {
      // What the link made is complete up to here: it, and a later link that adds, need the rest.
      const long done = k + 1 < block.size() ? st.between[j][k].end() : end;
      long rest = done - block[k].conv.shape().pad;
      if (k + 1 < block.size() && block[k + 1].adds == (int)k)
        rest = std::min(rest, k + 2 < block.size() ? st.between[j][k + 1].end() : end);
      if (k) st.between[j][k - 1].forget(rest);
      else needed = std::min(needed, rest);
    }
  }
  st.x.forget(needed + stage.trim);
}

void Decoder::project(Crew& crew, State& s, long total) const {
  const long ends = kEnds / 2, begin = s.made, end = s.last.end();
  const long stop = end == total ? total : std::max(begin, end - ends);
  crew.split(stop - begin, 256, [&](long a, long b, int) {
    kernels_.project(s.last.view(), begin + a, begin + b, post_taps_, (int)ends, post_.data(), 0.f,
                     s.to + a);
  });
  s.to += stop - begin;
  s.made = stop;
  s.last.forget(stop - ends);
}

}  // namespace parley
