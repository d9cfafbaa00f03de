#include "crew.h"

namespace parley {
namespace {

// Regions follow each other within microseconds while a sentence is made: waiting a little before
// sleeping saves two context switches each, and costs nothing when the session is idle.
constexpr int kSpins = 2000;

inline void breathe() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

Crew::Crew(int threads) : scratch_((size_t)threads) {
  try {
    for (int i = 1; i < threads; i++) threads_.emplace_back([this, i] { work(i); });
  } catch (...) {
    // The system gives no more threads: fewer will do.
  }
}

Crew::~Crew() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    round_++;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::take(int worker) {
  for (long i; (i = next_.fetch_add(1)) < count_;) (*task_)(i, worker);
}

void Crew::work(int worker) {
  for (long seen = 0;;) {
    for (int i = 0; i < kSpins && round_.load() == seen; i++) breathe();
    if (round_.load() == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_.load() != seen; });
    }
    seen = round_.load();
    if (stop_) return;
    take(worker);
    if (busy_.fetch_sub(1) == 1) {
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }
}

void Crew::run(long count, const std::function<void(long, int)>& task) {
  if (threads_.empty() || count < 2) {
    for (long i = 0; i < count; i++) task(i, 0);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    task_ = &task;
    count_ = count;
    next_ = 0;
    busy_ = (int)threads_.size();
    round_++;
  }
  wake_.notify_all();
  take(0);
  for (int i = 0; i < kSpins && busy_.load(); i++) breathe();
  if (busy_.load()) {
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return busy_.load() == 0; });
  }
}

void Crew::split(long count, long unit, const std::function<void(long, long, int)>& task) {
  const long units = (count + unit - 1) / unit, parts = size() < units ? size() : units;
  run(parts, [&](long i, int worker) {
    const long from = units * i / parts * unit, to = units * (i + 1) / parts * unit;
    task(from, to < count ? to : count, worker);
  });
}

}  // namespace parley
