#include "encoder.h"

#include <algorithm>
#include <cmath>

namespace parley {
namespace {

// A product whose right side is not a weight but made as we go: (depth, out) in blocks.
void product(const Kernels& k, void* scratch, const View& left, int depth, int out,
             const float* packed, const Epilogue& epilogue) {
  const ConvShape shape{kFp32, 1, 1, 1, depth, out, 1, 0, 1};
  k.conv[kFp32]({&shape, packed, nullptr, left, left.begin, left.end, 0, out, epilogue, scratch});
}

size_t product_scratch(const Kernels& k, int depth) {
  return (size_t)(depth + k.tiles * k.block + 16 + depth * k.tiles) * sizeof(float);
}

// Rows (n, depth) as a right side (n, depth): out[block][row][column in block].
void pack_rows(const float* rows, long stride, long n, long depth, int block, float* out) {
  for (long b = 0; b < depth; b += block)
    for (long t = 0; t < n; t++, out += block)
      std::copy_n(rows + t * stride + b, block, out);
}

// Rows (n, depth) as a right side (depth, n padded): out[block of rows][column][row in block].
void pack_columns(const float* rows, long stride, long n, long depth, int block, float* out) {
  for (long b = 0; b < n; b += block, out += depth * block)
    for (long t = 0; t < block; t++)
      for (long c = 0; c < depth; c++)
        out[c * block + t] = b + t < n ? rows[(b + t) * stride + c] : 0.f;
}

}  // namespace

std::vector<int> latent_places(int channels, int block, int times, bool flip) {
  const int half = channels / 2, padded_half = (int)round_up(half, block);
  std::vector<int> map((size_t)(2 * times * padded_half), -1);
  for (int i = 0; i < times * channels; i++) {
    const int which = i / channels, c = i % channels;
    const int place = (2 * which + c / half) * padded_half + c % half;
    map[(size_t)place] = flip ? which * channels + channels - 1 - c : i;
  }
  return map;
}

TextEncoder::TextEncoder(const Loader& from, Tiles tiles)
    : kernels_(from.kernels),
      hidden_(from.sizes.hidden_channels),
      stride_(from.pad(hidden_)),
      heads_(from.sizes.n_heads),
      head_(from.pad(hidden_ / heads_)),
      window_(2 * from.sizes.window_size + 1),
      filter_(from.pad(from.sizes.filter_channels)),
      embedding_((size_t)from.sizes.n_symbols * stride_),
      symbols_(from.sizes.n_symbols) {
  const Arithmetic fp32{kFp32, tiles};
  const int head = hidden_ / heads_, block = kernels_.block, kernel = from.sizes.kernel_size;
  const float* rows = from.tensor("enc_p.emb.weight", (size_t)symbols_ * hidden_);
  for (int s = 0; s < symbols_; s++)
    for (int c = 0; c < hidden_; c++)
      embedding_[(size_t)s * stride_ + c] = rows[(size_t)s * hidden_ + c] * std::sqrt((float)hidden_);

  // Each head's channels in a padded place of their own.
  std::vector<int> places((size_t)(heads_ * head_), -1);
  for (int c = 0; c < hidden_; c++) places[(size_t)(c / head * head_ + c % head)] = c;

  for (int i = 0; i < from.sizes.n_layers; i++) {
    Layer layer;
    const std::string number = std::to_string(i);
    const std::string at = "enc_p.encoder.attn_layers." + number;
    Filter together(3 * heads_ * head_, hidden_, 1);
    for (int part = 0; part < 3; part++) {
      Filter f = from.filter(at + ".conv_" + "qkv"[part], hidden_, hidden_).pick_out(places);
      if (part == 0) {
        const float scale = 1.f / std::sqrt((float)head);
        for (float& w : f.weights) w *= scale;
        for (float& b : f.bias) b *= scale;
      }
      std::copy(f.weights.begin(), f.weights.end(),
                together.weights.begin() + part * (long)f.weights.size());
      std::copy(f.bias.begin(), f.bias.end(), together.bias.begin() + part * (long)f.bias.size());
    }
    layer.queries_keys_values = ConvLayer(kernels_, together, fp32);

    Filter keys(window_, head, 1);
    std::copy_n(from.tensor(at + ".emb_rel_k", keys.weights.size()), keys.weights.size(),
                keys.weights.begin());
    layer.relative_keys = ConvLayer(kernels_, keys, fp32);

    const int depth = from.pad(window_);
    std::vector<float> values((size_t)depth * head_);
    const float* v = from.tensor(at + ".emb_rel_v", (size_t)window_ * head);
    for (int w = 0; w < window_; w++) std::copy_n(v + w * head, head, &values[(size_t)w * head_]);
    layer.relative_values = Buffer<float>(values.size());
    pack_rows(values.data(), head_, depth, head_, block, layer.relative_values.data());

    const Filter output = from.filter(at + ".conv_o", hidden_, hidden_).pick_in(places);
    layer.output = ConvLayer(kernels_, output, fp32);
    layer.norm_1 = Norm(from, "enc_p.encoder.norm_layers_1." + number, hidden_);
    layer.norm_2 = Norm(from, "enc_p.encoder.norm_layers_2." + number, hidden_);

    const std::string ffn = "enc_p.encoder.ffn_layers." + number;
    const int inner = from.sizes.filter_channels, pad = (kernel - 1) / 2;
    layer.widen =
        ConvLayer(kernels_, from.filter(ffn + ".conv_1", inner, hidden_, kernel), fp32, 1, pad);
    layer.narrow =
        ConvLayer(kernels_, from.filter(ffn + ".conv_2", hidden_, inner, kernel), fp32, 1, pad);
    layers_.push_back(std::move(layer));
  }
  const int latent = from.sizes.inter_channels;
  prior_ = ConvLayer(
      kernels_,
      from.filter("enc_p.proj", 2 * latent, hidden_).pick_out(latent_places(latent, block, 2)),
      fp32);
}

// What one layer needs at a time; the last five for each head.
struct TextEncoder::Scratch {
  float *qkv, *attended, *inner, *scores, *relative, *keys, *values, *near;
};

// One head: scaled dot products of queries and keys, plus queries with the keys of relative
// positions; the softmax of their sums weighs the values and the values of relative positions.
void TextEncoder::attend(Crew& crew, int worker, const Layer& layer, int head, long n,
                         const Scratch& s) const {
  const int width = heads_ * head_, block = kernels_.block;
  const int columns = (int)round_up(n, block), positions = (int)round_up(window_, block);
  const int reach = window_ / 2;
  const float* q = s.qkv + head * head_;
  float *scores = s.scores + head * n * columns, *keys = s.keys + (ptrdiff_t)head * columns * head_;
  float *relative = s.relative + head * n * positions, *near = s.near + head * n * positions;
  float* values = s.values + (ptrdiff_t)head * columns * head_;
  void* scratch = crew.scratch(worker).data();
  const View queries{q, 3 * width, 0, n};
  pack_columns(q + width, 3 * width, n, head_, block, keys);
  product(kernels_, scratch, queries, head_, columns, keys, plain(scores, columns));
  layer.relative_keys.run_on(crew, worker, queries, 0, n, plain(relative, positions));
  std::fill_n(near, (size_t)n * positions, 0.f);
  for (long i = 0; i < n; i++)
    for (long j = std::max(0L, i - reach); j <= std::min(n - 1, i + reach); j++)
      scores[i * columns + j] += relative[i * positions + j - i + reach];
  kernels_.softmax(scores, n, n, columns);
  for (long i = 0; i < n; i++)
    for (long j = std::max(0L, i - reach); j <= std::min(n - 1, i + reach); j++)
      near[i * positions + j - i + reach] = scores[i * columns + j];

  std::fill_n(values, (size_t)columns * head_, 0.f);
  for (long b = 0; b < head_; b += block)
    pack_rows(q + 2 * width + b, 3 * width, n, block, block, values + b * columns);
  Epilogue to = plain(s.attended + head * head_, width);
  product(kernels_, scratch, {scores, columns, 0, n}, columns, head_, values, to);
  to.base = to.out, to.base_stride = width;
  product(kernels_, scratch, {near, positions, 0, n}, positions, head_,
          layer.relative_values.data(), to);
}

Encoded TextEncoder::run(Crew& crew, Arena& memory, const int64_t* ids, long n) const {
  const int width = heads_ * head_, both = prior_.shape().out;
  const size_t rows = (size_t)n, columns = (size_t)round_up(n, kernels_.block);
  const int positions = (int)round_up(window_, kernels_.block);
  const size_t relations = rows * heads_ * (size_t)positions;
  const Scratch s{memory.take(rows * 3 * width), memory.take(rows * width),
                  memory.take(rows * filter_),   memory.take(rows * columns * heads_),
                  memory.take(relations),        memory.take(columns * width),
                  memory.take(columns * width),  memory.take(relations)};
  float *x = memory.take(rows * stride_), *prior = memory.take(rows * both);
  for (long t = 0; t < n; t++)
    std::copy_n(embedding_.data() + ids[t] * stride_, stride_, x + t * stride_);
  const View hidden{x, stride_, 0, n};
  Epilogue add = plain(x, stride_);
  add.base = x, add.base_stride = stride_;
  Epilogue relu = plain(s.inner, filter_);
  relu.slope = 0;
  for (const Layer& layer : layers_) {
    layer.queries_keys_values.run(crew, hidden, 0, n, plain(s.qkv, 3 * width));
    layer.relative_keys.reserve(crew, n);
    crew.reserve(product_scratch(kernels_, std::max({(int)columns, head_, positions})));
    crew.run(heads_, [&](long head, int worker) { attend(crew, worker, layer, (int)head, n, s); });
    layer.output.run(crew, {s.attended, width, 0, n}, 0, n, add);
    layer.norm_1.run(kernels_, crew, x, x, n);
    layer.widen.run(crew, hidden, 0, n, relu);
    layer.narrow.run(crew, {s.inner, filter_, 0, n}, 0, n, add);
    layer.norm_2.run(kernels_, crew, x, x, n);
  }
  prior_.run(crew, hidden, 0, n, plain(prior, both));
  return {hidden, {prior, both, 0, n}};
}

}  // namespace parley
