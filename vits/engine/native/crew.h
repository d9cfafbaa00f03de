// The threads of one session, each with scratch memory of its own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "memory.h"

namespace parley {

class Crew {
 public:
  explicit Crew(int threads);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int size() const { return (int)scratch_.size(); }

  // Calls task(i, worker) for i in [0, count), on all threads; returns when all are done. Tasks
  // must not throw, nor call this.
  void run(long count, const std::function<void(long, int)>& task);

  // Splits [0, count) in one stretch for each worker, in multiples of `unit`.
  void split(long count, long unit, const std::function<void(long, long, int)>& task);

  // A worker's scratch memory, of the size last reserved or more.
  Buffer<char>& scratch(int worker) { return scratch_[(size_t)worker]; }
  void reserve(size_t bytes) {
    for (Buffer<char>& each : scratch_) each.grow(bytes);
  }

 private:
  void work(int worker);
  void take(int worker);

  std::vector<Buffer<char>> scratch_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<long> round_{0}, next_{0};
  std::atomic<int> busy_{0};
  long count_ = 0;
  const std::function<void(long, int)>* task_ = nullptr;
  bool stop_ = false;
};

}  // namespace parley
