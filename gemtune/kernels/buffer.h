#pragma once

#include <hwy/aligned_allocator.h>

#include <cstdint>

namespace gemtune::kernels {

/// n numbers, aligned for any vector, their values unset.
template <typename T>
hwy::AlignedFreeUniquePtr<T[]> Buffer(int64_t n) {
  return hwy::AllocateAligned<T>(static_cast<size_t>(n));
}

}  // namespace gemtune::kernels
