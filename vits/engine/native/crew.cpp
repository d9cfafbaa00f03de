#include "crew.h"

namespace parley {
namespace {

// Rounds follow each other within microseconds while a sentence is made: waiting a little before
// sleeping saves two context switches each, and costs nothing when the session is idle.
constexpr int kSpins = 2000;

// A ticket: round (24 bits), tasks (20 bits), next task (20 bits).
constexpr int kBits = 20;
constexpr uint64_t kMask = (1u << kBits) - 1;
uint64_t next_of(uint64_t ticket) { return ticket & kMask; }
uint64_t count_of(uint64_t ticket) { return ticket >> kBits & kMask; }
bool open(uint64_t ticket) { return next_of(ticket) < count_of(ticket); }

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
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// Takes one task and does it; false if there is none.
bool Crew::take(int worker) {
  uint64_t ticket = ticket_.load();
  do {
    if (!open(ticket)) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket + 1));
  // The round cannot end, and the task not change, before this one is done.
  (*task_)((long)next_of(ticket), worker);
  if (done_.fetch_add(1) + 1 == (long)count_of(ticket)) {
    std::lock_guard<std::mutex> lock(mutex_);
    finished_.notify_one();
  }
  return true;
}

void Crew::work(int worker) {
  for (;;) {
    for (int i = 0; i < kSpins; i++) {
      while (take(worker)) i = 0;
      breathe();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait(lock, [&] { return stop_ || open(ticket_.load()); });
    if (stop_) return;
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
    done_ = 0;
    const uint64_t round = (ticket_.load() >> 2 * kBits) + 1;
    ticket_ = round << 2 * kBits | (uint64_t)count << kBits;
  }
  wake_.notify_all();
  while (take(0)) {
  }
  for (int i = 0; i < kSpins && done_.load() < count; i++) breathe();
  if (done_.load() < count) {
    std::unique_lock<std::mutex> lock(mutex_);
    finished_.wait(lock, [&] { return done_.load() == count; });
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
