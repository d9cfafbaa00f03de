// Memory that vectors like, and the growing signals that streams are made of.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "kernels.h"

namespace parley {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

// Items at a 64-byte boundary. Moves, never copies.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t zeros) {
    if (zeros) std::memset((void*)grow(zeros), 0, zeros * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  // At least `count` items; when it grows, what was there is lost.
  T* grow(size_t count) {
    if (count > size_) {
      std::free(data_);
      size_ = 0;
      data_ = (T*)std::aligned_alloc(64, (size_t)round_up((long)(count * sizeof(T)), 64));
      if (!data_) throw std::bad_alloc();
      size_ = count;
    }
    return data_;
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  T* data_ = nullptr;
  size_t size_ = 0;
};

// Room for what one computation needs for a while; reset() takes all of it back at once.
class Arena {
 public:
  // Not initialised; valid until reset().
  float* take(size_t count) {
    if (used_ == blocks_.size()) blocks_.emplace_back();
    return blocks_[used_++].grow(count);
  }
  void reset() { used_ = 0; }

 private:
  std::vector<Buffer<float>> blocks_;
  size_t used_ = 0;
};

// Rows of a signal, appended at the end and forgotten from the start as a window moves over it.
class Signal {
 public:
  explicit Signal(int stride = 0) : stride_(stride) {}

  long begin() const { return begin_; }
  long end() const { return end_; }
  int stride() const { return stride_; }
  float* row(long t) { return memory_.data() + (t - base_) * stride_; }
  View view() const {
    return {memory_.data() + (begin_ - base_) * stride_, stride_, begin_, end_};
  }

  // Empties it; its memory stays.
  void reset(int stride) {
    stride_ = stride;
    begin_ = end_ = base_ = 0;
  }

  // Room for `count` more rows; returns the first. Its content is not defined.
  float* append(long count) {
    if ((size_t)((end_ - base_ + count) * stride_) > memory_.size()) {
      const size_t kept = (size_t)((end_ - begin_) * stride_);
      const size_t needed = kept + (size_t)(count * stride_);
      const float* from = kept ? row(begin_) : nullptr;
      if (needed > memory_.size()) {
        Buffer<float> larger;
        larger.grow(needed + needed / 2);
        if (kept) std::memcpy(larger.data(), from, kept * sizeof(float));
        memory_ = std::move(larger);
      } else if (kept) {
        std::memmove(memory_.data(), from, kept * sizeof(float));
      }
      base_ = begin_;
    }
    float* first = row(end_);
    end_ += count;
    return first;
  }

  // Rows before t will not be asked for again.
  void forget(long t) {
    if (t > begin_) begin_ = t < end_ ? t : end_;
  }

  // Gives memory back until more rows come: of many open streams, few are worked on.
  void slim() {
    const size_t kept = (size_t)((end_ - begin_) * stride_);
    if (memory_.size() <= 2 * kept) return;
    Buffer<float> smaller;
    if (kept) std::memcpy(smaller.grow(kept), row(begin_), kept * sizeof(float));
    memory_ = std::move(smaller);
    base_ = begin_;
  }

 private:
  int stride_;
  long begin_ = 0, end_ = 0;  // rows held
  long base_ = 0;             // the row at the start of the memory
  Buffer<float> memory_;
};

}  // namespace parley
