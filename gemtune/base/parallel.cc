#include "gemtune/base/parallel.h"

#include <omp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include "gemtune/base/processors.h"
#include "gemtune/base/thread_pool.h"

namespace gemtune {
namespace {

// Keeps the first exception of several tasks, which must not throw.
class FirstException {
 public:
  template <typename F>
  void Guard(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }
  void Rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

// LibTorch's operators run on OpenMP's threads. A waiting thread of libgomp spins for 3 ms before it sleeps.
// If another program uses the processor of the thread that it waits for, both are held up: a step of a tiny
// model took 40 times as long. libgomp reads its environment before main and has no call to change it later.
// But with more threads than processors it spins for a microsecond only (do_spin in its config/linux/wait.h).
// So this creates that many threads, which then sleep forever.
void KeepWaitsShort(int threads) {
  static std::once_flag is_made;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  std::call_once(is_made, [&] {
    const int more = std::max(omp_get_num_procs() - threads, 0) + 1;
    sigset_t all, before;
    ::sigfillset(&all);
    // The new threads inherit this mask, so that other threads get the signals.
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([more] {
      std::atomic<int> made = 0;  // the compiler would remove an empty region
#pragma omp parallel num_threads(more + 1)
      made.fetch_add(1);
      for (;;) ::pause();
    }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

}  // namespace

int NumThreads() {
  return omp_get_max_threads();
}

void SetNumThreads(int threads) {
  omp_set_num_threads(threads > 0 ? threads : UsableProcessors());
  KeepWaitsShort(NumThreads());
}

int64_t ParallelParts(int64_t n, int64_t grain) {
  constexpr int64_t kPartsAThread = 4;
  if (omp_in_parallel() != 0 || NumThreads() == 1) return 1;
  const int64_t most = std::max<int64_t>(1, n / std::max<int64_t>(1, grain));
  return std::min(most, kPartsAThread * NumThreads());
}

void ParallelForParts(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t, int64_t)>& body) {
  if (n <= 0) return;
  const int64_t parts = ParallelParts(n, grain);
  if (parts == 1) return body(0, 0, n);
  FirstException exception;
  ThreadPool::Get().Run(parts, NumThreads(), [&](int64_t part) {
    exception.Guard([&] { body(part, n * part / parts, n * (part + 1) / parts); });
  });
  exception.Rethrow();
}

void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  ParallelForParts(n, grain, [&](int64_t, int64_t begin, int64_t end) { body(begin, end); });
}

int64_t GrainRows(int64_t rows, int64_t width) {
  constexpr int64_t kNumbers = 1 << 13;  // about 2 µs on one thread
  return std::max(rows, kNumbers / width);
}

void ParallelForEach(int64_t n, const std::function<void(int64_t)>& body) {
  FirstException exception;
  const int threads = omp_in_parallel() != 0 ? 1 : NumThreads();
  ThreadPool::Get().Run(n, threads, [&](int64_t i) { exception.Guard([&] { body(i); }); });
  exception.Rethrow();
}

void ParallelForEach(int64_t n, int64_t work, const std::function<void(int64_t)>& body) {
  constexpr int64_t kLeastWork = 1 << 18;  // about 10 µs on one thread
  if (n > 1 && work >= kLeastWork) return ParallelForEach(n, body);
  for (int64_t i = 0; i < n; ++i) body(i);
}

}  // namespace gemtune
