#include "gemtune/base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <exception>

namespace gemtune {
namespace {

// Keeps the first exception of a parallel region: one must not leave an OpenMP region.
class FirstException {
 public:
  template <typename F>
  void Guard(F&& f) noexcept {
    try {
      f();
    } catch (...) {
#pragma omp critical(gemtune_first_exception)
      {
        if (!first_) first_ = std::current_exception();
      }
    }
  }
  void Rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

}  // namespace

int NumThreads() {
  return omp_get_max_threads();
}

void SetNumThreads(int threads) {
  omp_set_num_threads(threads > 0 ? threads : omp_get_num_procs());
}

int64_t ParallelParts(int64_t n, int64_t grain) {
  const int64_t most = std::max<int64_t>(1, n / std::max<int64_t>(1, grain));
  return omp_in_parallel() != 0 ? 1 : std::min<int64_t>(most, omp_get_max_threads());
}

void ParallelForParts(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t, int64_t)>& body) {
  if (n <= 0) return;
  const int64_t parts = ParallelParts(n, grain);
  if (parts == 1) return body(0, 0, n);
  FirstException exception;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(parts))
  for (int64_t part = 0; part < parts; ++part) {
    exception.Guard([&] { body(part, n * part / parts, n * (part + 1) / parts); });
  }
  exception.Rethrow();
}

void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  ParallelForParts(n, grain, [&](int64_t, int64_t begin, int64_t end) { body(begin, end); });
}

void ParallelForEach(int64_t n, const std::function<void(int64_t)>& body) {
  FirstException exception;
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < n; ++i) {
    exception.Guard([&] { body(i); });
  }
  exception.Rethrow();
}

}  // namespace gemtune
