#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace gemtune::kernels {

namespace internal {
void* AllocateBuffer(size_t bytes);
void FreeBuffer(void* buffer);
}  // namespace internal

struct BufferDeleter {
  void operator()(void* buffer) const { internal::FreeBuffer(buffer); }
};

/// What a kernel packs and adds up in.
template <typename T>
using BufferPointer = std::unique_ptr<T[], BufferDeleter>;

/// n numbers, aligned for any vector, their values unset. Large ones lie in an Arena of their own, so that
/// the system need not clear and map them for each call and they are in large pages. Throws std::bad_alloc.
template <typename T>
BufferPointer<T> Buffer(int64_t n) {
  return BufferPointer<T>(static_cast<T*>(internal::AllocateBuffer(static_cast<size_t>(n) * sizeof(T))));
}

}  // namespace gemtune::kernels
