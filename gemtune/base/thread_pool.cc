#include "gemtune/base/thread_pool.h"

#include <omp.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "gemtune/base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gemtune {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kSpin{50};

thread_local bool is_in_job = false;

void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Whether the condition came true while spinning.
template <typename Condition>
bool SpinUntil(const Condition& condition) {
  constexpr int kLooksAtOnce = 32;
  const auto end = Clock::now() + kSpin;
  do {
    for (int look = 0; look < kLooksAtOnce; ++look) {
      if (condition()) return true;
      Relax();
    }
  } while (Clock::now() < end);
  return condition();
}

uint32_t TasksLeft(uint64_t open) {
  return static_cast<uint32_t>(open);
}

// In a task, LibTorch's operators work on one thread as well, whoever takes it.
class InJob {
 public:
  InJob() : threads_(omp_get_max_threads()) {
    is_in_job = true;
    omp_set_num_threads(1);
  }
  ~InJob() {
    omp_set_num_threads(threads_);
    is_in_job = false;
  }
  InJob(const InJob&) = delete;
  InJob& operator=(const InJob&) = delete;

 private:
  int threads_;
};

}  // namespace

ThreadPool& ThreadPool::Get() {
  static auto* const pool = new ThreadPool();  // never destroyed: its threads do not end either
  return *pool;
}

void ThreadPool::Start(int workers) {
  sigset_t all, before;
  ::sigfillset(&all);
  // The new threads inherit this mask, so that other threads get the signals.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  for (; num_workers_ < workers; ++num_workers_)
    std::thread([this, worker = num_workers_] { Work(worker); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ThreadPool::Run(int64_t n, int threads, const std::function<void(int64_t)>& task) {
  GEMTUNE_CHECK(n <= std::numeric_limits<uint32_t>::max());
  std::unique_lock lock(job_mutex_, std::defer_lock);
  if (is_in_job || n < 2 || threads < 2 || !lock.try_lock()) {
    for (int64_t i = 0; i < n; ++i) task(i);
    return;
  }
  const InJob in_job;
  const auto tasks = static_cast<uint32_t>(n);
  const int workers = static_cast<int>(std::min<int64_t>(threads, n)) - 1;
  if (num_workers_ < workers) Start(workers);
  // A thread reads these only after it took a task, and then this job lasts until it is done with it.
  task_ = &task;
  num_tasks_.store(tasks, std::memory_order_relaxed);
  most_workers_.store(workers, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  const uint32_t job = job_.load(std::memory_order_relaxed) + 1;
  open_.store(uint64_t{job} << 32 | tasks, std::memory_order_release);
  job_.store(job);
  if (sleepers_.load() > 0) job_.notify_all();
  while (TakeTask()) {
  }
  WaitForTasks(tasks);
}

bool ThreadPool::TakeTask() {
  uint64_t open = open_.load(std::memory_order_acquire);
  do {
    if (TasksLeft(open) == 0) return false;
  } while (
      !open_.compare_exchange_weak(open, open - 1, std::memory_order_acq_rel, std::memory_order_acquire));
  const uint32_t tasks = num_tasks_.load(std::memory_order_relaxed);
  (*task_)(tasks - TasksLeft(open));
  if (done_.fetch_add(1) + 1 == tasks && caller_sleeps_.load()) done_.notify_one();
  return true;
}

void ThreadPool::WaitForTasks(uint32_t n) {
  if (SpinUntil([&] { return done_.load(std::memory_order_acquire) == n; })) return;
  caller_sleeps_.store(true);
  for (uint32_t done = done_.load(); done != n; done = done_.load()) done_.wait(done);
  caller_sleeps_.store(false);
}

void ThreadPool::WaitForJob(uint32_t seen) {
  if (SpinUntil([&] { return job_.load(std::memory_order_acquire) != seen; })) return;
  sleepers_.fetch_add(1);
  job_.wait(seen);
  sleepers_.fetch_sub(1);
}

void ThreadPool::Work(int worker) {
  const InJob in_job;
  uint32_t seen = 0;
  for (;;) {
    WaitForJob(seen);
    seen = job_.load(std::memory_order_acquire);
    while (worker < most_workers_.load(std::memory_order_relaxed) && TakeTask()) {
    }
  }
}

}  // namespace gemtune
