#pragma once

#include <algorithm>
#include <cstdint>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"

namespace gemtune::kernels {

/// Rows per block, at most `most` and a multiple of `tile` (as `most` is), chosen so that every thread gets
/// the same number of blocks: 11 blocks on two threads would take as long as 12.
inline int64_t EvenBlockRows(int64_t rows, int64_t most, int64_t tile) {
  const int64_t blocks = RoundUp(CeilDiv(rows, most), NumThreads());
  return std::max(tile, RoundUp(CeilDiv(rows, blocks), tile));
}

}  // namespace gemtune::kernels
