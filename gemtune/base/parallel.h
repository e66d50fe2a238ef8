#pragma once

#include <cstdint>
#include <functional>

namespace gemtune {

/// Threads that ParallelFor and LibTorch's operators use (they share one OpenMP pool).
int NumThreads();

/// Sets it for the process; call once at start. 0 means all processors the process may run on. Threads that
/// wait for others then sleep at once instead of spinning for milliseconds, unless the environment says
/// otherwise (OMP_WAIT_POLICY, GOMP_SPINCOUNT).
void SetNumThreads(int threads);

/// Calls body(begin, end) on consecutive ranges that cover [0, n), at most one range a thread and none
/// shorter than `grain` unless it is the only one. The split depends on n, grain and the number of threads
/// alone, so a result that depends on the split is the same in every run. The first exception thrown by a
/// body is rethrown here.
void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

/// The number of ranges that ParallelFor makes of [0, n).
int64_t ParallelParts(int64_t n, int64_t grain);

/// ParallelFor whose body also learns which of the ParallelParts ranges it has: for partial results of its
/// own, to be combined in the order of the parts.
void ParallelForParts(int64_t n, int64_t grain,
                      const std::function<void(int64_t part, int64_t begin, int64_t end)>& body);

/// The grain for rows of `width` numbers each: `rows`, or more of narrow ones, since to wake a thread takes
/// as long as some thousand numbers.
int64_t GrainRows(int64_t rows, int64_t width);

/// Calls body(i) for every i in [0, n), handing out one index at a time: for work of very uneven size whose
/// result does not depend on who does it (tokenising texts, dequantising tensors).
void ParallelForEach(int64_t n, const std::function<void(int64_t i)>& body);

/// The same for work of so many multiply-adds together: the caller alone does what is too little for two.
void ParallelForEach(int64_t n, int64_t work, const std::function<void(int64_t i)>& body);

}  // namespace gemtune
