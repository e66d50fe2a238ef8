#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gemtune/base/parallel.h"

namespace gemtune::kernels {

/// Splits `rows` as ParallelFor does; body(begin, end, sums) adds its rows' contribution to sums [dim], which
/// starts at zero. The sum over the parts, in order, is written to total [dim]; it is the same for the same
/// number of threads.
template <typename Body>
void ReduceParts(int64_t rows, int64_t grain, int64_t dim, float* total, Body&& body) {
  std::vector<float> sums(static_cast<size_t>(ParallelParts(rows, grain) * dim), 0.0f);
  ParallelForParts(rows, grain, [&](int64_t part, int64_t begin, int64_t end) {
    body(begin, end, sums.data() + part * dim);
  });
  std::fill(total, total + dim, 0.0f);
  for (size_t i = 0; i < sums.size(); ++i) total[i % static_cast<size_t>(dim)] += sums[i];
}

}  // namespace gemtune::kernels
