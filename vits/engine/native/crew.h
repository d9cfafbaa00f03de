// The threads of one session, each with scratch memory of its own.
//
// Nobody waits for a helper that has not begun: a task belongs to whoever takes it first, and the
// caller takes tasks too. On a busy machine two threads are then as fast as one, not slower.
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
  // must not throw, nor call this. At most 2^20 tasks.
  void run(long count, const std::function<void(long, int)>& task);

  // Splits [0, count) in one stretch for each worker, in multiples of `unit`.
  void split(long count, long unit, const std::function<void(long, long, int)>& task);

  // A worker's scratch memory, of the size last reserved or more.
  Buffer<char>& scratch(int worker) { return scratch_[(size_t)worker]; }
  void reserve(size_t bytes) {
    for (Buffer<char>& each : scratch_) each.grow(bytes);
  }

 private:
  bool take(int worker);
  void work(int worker);

  std::vector<Buffer<char>> scratch_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  // The round, its number of tasks and the next task in one word, so that a helper that comes late
  // can take nothing of a round that has passed.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<long> done_{0};
  const std::function<void(long, int)>* task_ = nullptr;  // read only while holding a task
  bool stop_ = false;
};

}  // namespace parley
