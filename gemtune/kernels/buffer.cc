#include "gemtune/kernels/buffer.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <new>

#include "gemtune/base/arena.h"

namespace gemtune::kernels::internal {
namespace {

// AddressSanitizer sees what is written behind a buffer only if each is an allocation.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kLarge = SIZE_MAX;
#else
constexpr size_t kLarge = size_t{128} << 10;
#endif
constexpr size_t kAddressSpace = size_t{4} << 30;

// Never destroyed: threads may hold buffers when the process ends. nullptr if address space is limited.
Arena* LargeBuffers() {
  static Arena* const arena = []() -> Arena* {
    try {
      return new Arena(kAddressSpace);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }();
  return arena;
}

}  // namespace

void* AllocateBuffer(size_t bytes) {
  void* buffer = nullptr;
  if (bytes >= kLarge && LargeBuffers() != nullptr) buffer = LargeBuffers()->Allocate(bytes);
  if (buffer == nullptr) buffer = hwy::AllocateAlignedBytes(std::max<size_t>(bytes, 1), nullptr, nullptr);
  if (buffer == nullptr) throw std::bad_alloc();
  return buffer;
}

void FreeBuffer(void* buffer) {
  if (buffer == nullptr) return;
  if (kLarge != SIZE_MAX && LargeBuffers() != nullptr && LargeBuffers()->Free(buffer)) return;
  hwy::FreeAlignedBytes(buffer, nullptr, nullptr);
}

}  // namespace gemtune::kernels::internal
