#pragma once

#include <algorithm>
#include <cstdint>

#include "gemtune/base/parallel.h"

namespace gemtune::kernels {

constexpr int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Rows a block, at most `most` and a multiple of `tile` (of which `most` is one), so that the blocks that
/// `rows` rows make are as many for each thread: 11 blocks on two threads would take as long as 12.
inline int64_t EvenBlockRows(int64_t rows, int64_t most, int64_t tile) {
  const int64_t blocks = RoundUp(RoundUp(rows, most) / most, NumThreads());
  return std::max(tile, RoundUp(RoundUp(rows, blocks) / blocks, tile));
}

}  // namespace gemtune::kernels
