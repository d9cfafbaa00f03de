// Memory that vectors like, and the growing signals that streams are made of.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "kernels.h"

namespace parley {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

// Zeroed items at a 64-byte boundary. Moves, never copies.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t count) { grow(count); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  // At least `count` items; when it grows, what was there is lost and everything is zero.
  T* grow(size_t count) {
    if (count > size_) {
      std::free(data_);
      size_ = 0;
      data_ = (T*)std::aligned_alloc(64, (size_t)round_up((long)(count * sizeof(T)), 64));
      if (!data_) throw std::bad_alloc();
      std::memset((void*)data_, 0, count * sizeof(T));
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

  void clear() { begin_ = end_ = base_ = 0; }

  // Room for `count` more rows; returns the first. Its content is not defined.
  float* append(long count) {
    if ((size_t)((end_ - base_ + count) * stride_) > memory_.size()) {
      const size_t kept = (size_t)((end_ - begin_) * stride_);
      const float* from = kept ? row(begin_) : nullptr;
      Buffer<float> larger;
      float* to = memory_.data();
      if (kept + (size_t)(count * stride_) > memory_.size() / 2)
        to = larger.grow(2 * kept + (size_t)(count * stride_));
      if (kept) std::memmove(to, from, kept * sizeof(float));
      if (larger.size()) memory_ = std::move(larger);
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

 private:
  int stride_;
  long begin_ = 0, end_ = 0;  // rows held
  long base_ = 0;             // the row at the start of the memory
  Buffer<float> memory_;
};

}  // namespace parley
