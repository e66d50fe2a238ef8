#pragma once

#include <algorithm>
#include <cstdint>

#include "gemtune/base/parallel.h"

namespace gemtune::kernels {

/// Rows a block, at most `most` and a multiple of `tile` (of which `most` is one), so that the blocks that
/// `rows` rows make are as many for each thread: 11 blocks on two threads would take as long as 12.
inline int64_t EvenBlockRows(int64_t rows, int64_t most, int64_t tile) {
  const int64_t threads = NumThreads();
  const auto quotient = [](int64_t n, int64_t d) { return (n + d - 1) / d; };
  const int64_t blocks = quotient(quotient(rows, most), threads) * threads;
  return std::max(tile, quotient(quotient(rows, blocks), tile) * tile);
}

}  // namespace gemtune::kernels
