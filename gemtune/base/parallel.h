#pragma once

#include <cstdint>
#include <functional>

namespace gemtune {

/// Threads that ParallelFor uses, and as many that LibTorch's operators use.
int NumThreads();

/// Sets the number of threads for the process; call once at the start. 0 means UsableProcessors(). Also makes
/// LibTorch's waiting threads sleep at once instead of spinning for milliseconds, unless the environment says
/// otherwise (OMP_WAIT_POLICY, GOMP_SPINCOUNT).
void SetNumThreads(int threads);

/// Calls body(begin, end) on consecutive ranges that cover [0, n), a few for each thread, so that one whose
/// processor is busy elsewhere does fewer of them; none is shorter than `grain` unless it is the only one.
/// The split depends only on n, grain and the number of threads, so a result that depends on the split is the
/// same in every run, whoever computes which range. The first exception thrown by a body is rethrown here.
void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

/// The number of ranges into which ParallelFor splits [0, n).
int64_t ParallelParts(int64_t n, int64_t grain);

/// ParallelFor whose body also gets the index of its range (of ParallelParts), so that each range can have a
/// partial result, to be combined in the order of the ranges.
void ParallelForParts(int64_t n, int64_t grain,
                      const std::function<void(int64_t part, int64_t begin, int64_t end)>& body);

/// The grain for rows of `width` numbers: `rows`, or more if rows are narrow, since waking a thread takes as
/// long as processing a few thousand numbers.
int64_t GrainRows(int64_t rows, int64_t width);

/// Calls body(i) for every i in [0, n), handing out one index at a time: for work of very uneven size whose
/// result does not depend on which thread does it (tokenising texts, dequantising tensors).
void ParallelForEach(int64_t n, const std::function<void(int64_t i)>& body);

/// The same for a total of `work` multiply-adds; if that is too little for two threads, only the caller
/// works.
void ParallelForEach(int64_t n, int64_t work, const std::function<void(int64_t i)>& body);

}  // namespace gemtune
