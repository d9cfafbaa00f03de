#include "flow.h"

#include <algorithm>

namespace parley {
namespace {

// Channel c of the second matters as -(post x skip): output weights that take what the layer adds
// to the coupling's sum straight to the half it shifts.
Filter fold(const Filter& post, const Filter& skip) {
  Filter f(post.out, skip.in, 1);
  for (int o = 0; o < post.out; o++) {
    std::vector<double> row((size_t)skip.in);
    double bias = 0;
    for (int m = 0; m < post.in; m++) {
      const double w = post.at(o, m, 0);
      bias += w * skip.bias[(size_t)m];
      for (int i = 0; i < skip.in; i++) row[(size_t)i] += w * skip.at(m, i, 0);
    }
    for (int i = 0; i < skip.in; i++) f.at(o, i, 0) = (float)-row[(size_t)i];
    f.bias[(size_t)o] = (float)-bias;
  }
  return f;
}

std::vector<int> range(int first, int count, bool reversed = false) {
  std::vector<int> map((size_t)count);
  for (int i = 0; i < count; i++) map[(size_t)i] = first + (reversed ? count - 1 - i : i);
  return map;
}

// The two halves of 2 H gate channels, a vector of each in turn: what a block of outputs holds.
std::vector<int> gate_places(int hidden, int lanes) {
  std::vector<int> map;
  for (int c = 0; c < round_up(hidden, 2 * lanes); c += lanes)
    for (int part = 0; part < 2; part++)
      for (int i = c; i < c + lanes; i++) map.push_back(i < hidden ? part * hidden + i : -1);
  return map;
}

}  // namespace

Flow::Flow(const Loader& from, Number number)
    : hidden_(from.pad(from.sizes.hidden_channels)),
      half_(from.pad(from.sizes.inter_channels / 2)) {
  // Small errors grow a hundredfold on the way through the flow, so that the long filters may be
  // narrow only in a form that rounds well, and not as bf16 is.
  const Arithmetic gates{number == kInt16 ? kInt16 : kFp32,
                         number == kBf16 ? kLargeTiles : kMediumTiles};
  const Arithmetic points{number == kInt16 ? kInt16 : kFp32};
  const Kernels& k = from.kernels;
  const int half = from.sizes.inter_channels / 2, hidden = from.sizes.hidden_channels;
  const int layers = from.sizes.flow_n_layers, taps = from.sizes.flow_kernel_size;
  const std::vector<int> places = gate_places(hidden, k.lanes);
  for (int i = 2 * from.sizes.flow_n_flows - 2; i >= 0; i -= 2) {
    const std::string at = "flow.flows." + std::to_string(i);
    // Channels are flipped before each coupling: every other one has its weights flipped instead.
    const bool flip = couplings_.size() % 2 == 0;
    Coupling c;
    c.pre = ConvLayer(k, from.filter(at + ".pre", hidden, half).pick_in(range(0, half, flip)),
                      points);
    const Filter post = from.filter(at + ".post", half, hidden).pick_out(range(0, half, flip));
    for (int j = 0; j < layers; j++) {
      const std::string number_j = std::to_string(j);
      Layer layer;
      const Filter in = from.filter(at + ".enc.in_layers." + number_j, 2 * hidden, hidden, taps);
      layer.gate = ConvLayer(k, in.pick_out(places), gates, 1, (taps - 1) / 2);
      const bool last = j == layers - 1;
      const Filter both = from.filter(at + ".enc.res_skip_layers." + number_j,
                                      last ? hidden : 2 * hidden, hidden);
      if (!last) layer.residual = ConvLayer(k, both.pick_out(range(0, hidden)), points);
      Filter output = fold(post, both.pick_out(range(last ? 0 : hidden, hidden)));
      if (last)
        for (int o = 0; o < half; o++) output.bias[(size_t)o] -= post.bias[(size_t)o];
      layer.output = ConvLayer(k, output, points);
      c.layers.push_back(std::move(layer));
    }
    if (from.sizes.gin_channels) {
      std::vector<int> all;
      for (int j = 0; j < layers; j++)
        for (int place : places) all.push_back(place < 0 ? -1 : place + j * 2 * hidden);
      c.speaker = Conditioning(
          from.filter(at + ".enc.cond_layer", 2 * hidden * layers, from.sizes.gin_channels), all);
    }
    couplings_.push_back(std::move(c));
  }
}

void Flow::begin(State& s, const float* speaker) const {
  for (Signal& half : s.halves) half.reset(half_);
  const size_t layers = couplings_.size() * couplings_[0].layers.size();
  s.inputs.resize(layers);
  for (Signal& input : s.inputs) input.reset(hidden_);
  s.done.assign(layers, 0);
  s.biases.clear();
  for (const Coupling& c : couplings_) {
    const size_t width = (size_t)c.layers[0].gate.shape().out;
    std::vector<float> all(width * c.layers.size());
    if (c.speaker.given() && speaker) c.speaker.add(speaker, all.data());
    for (size_t j = 0; j < c.layers.size(); j++) {
      for (size_t i = 0; i < width; i++) all[j * width + i] += c.layers[j].gate.bias()[i];
    }
    s.biases.push_back(std::move(all));
  }
}

long Flow::push(Crew& crew, State& s, long total) const {
  long ready = s.halves[0].end();  // frames whose source half is complete
  size_t number = 0;               // of the layer, over all couplings
  for (size_t f = 0; f < couplings_.size(); f++) {
    const Coupling& c = couplings_[f];
    Signal &source = s.halves[f % 2 == 0], &shifted = s.halves[f % 2 != 0];
    Signal* x = &s.inputs[number];
    const long from = x->end();
    c.pre.run(crew, source.view(), from, ready, plain(x->append(ready - from), hidden_));
    for (size_t j = 0; j < c.layers.size(); j++, number++) {
      const Layer& layer = c.layers[j];
      x = &s.inputs[number];
      const long reach = layer.gate.shape().pad, first = s.done[number];
      if (ready < total) ready = std::max(first, ready - reach);
      const long rows = ready - first;
      Epilogue gate = plain(s.gated.grow((size_t)(rows * hidden_)), hidden_);
      gate.bias = s.biases[f].data() + j * (size_t)layer.gate.shape().out;
      gate.gate = true;
      layer.gate.run(crew, x->view(), first, ready, gate);
      const View gated{gate.out, hidden_, 0, rows};
      if (j + 1 < c.layers.size()) {
        Epilogue residual = plain(s.inputs[number + 1].append(rows), hidden_);
        residual.base = x->row(first);
        residual.base_stride = hidden_;
        layer.residual.run(crew, gated, 0, rows, residual);
      }
      Epilogue output = plain(shifted.row(first), half_);
      output.base = output.out;
      output.base_stride = half_;
      layer.output.run(crew, gated, 0, rows, output);
      s.done[number] = ready;
      x->forget(ready - reach);
      x->slim();
    }
  }
  return ready;
}

}  // namespace parley
