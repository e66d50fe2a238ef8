#include "gemtune/ops/tensor_arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "gemtune/base/arena.h"

namespace gemtune::ops {
namespace {

constexpr size_t kSmall = size_t{64} << 10;

class TensorArena final : public c10::Allocator {
 public:
  TensorArena(size_t capacity, c10::Allocator* rest) : arena_(capacity), rest_(rest) {}

  c10::DataPtr allocate(size_t bytes) override {
    void* block = bytes < kSmall ? nullptr : arena_.Allocate(bytes);
    if (block == nullptr) block = rest_->raw_allocate(bytes);
    return {block, block, &Delete, at::Device(at::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  static TensorArena*& Instance() {
    static TensorArena* instance = nullptr;
    return instance;
  }

 private:
  static void Delete(void* block) {
    TensorArena& self = *Instance();
    if (block != nullptr && !self.arena_.Free(block)) self.rest_->raw_deallocate(block);
  }

  Arena arena_;
  c10::Allocator* rest_;
};

}  // namespace

void UseTensorArena() {
#if !defined(__SANITIZE_ADDRESS__)
  if (TensorArena::Instance() != nullptr) return;
  // The kernels' own buffers are smaller than this: let malloc keep them too instead of mapping them anew.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  // oneDNN compiles a product for each shape and keeps the last 1,024. With batches of ever new lengths that
  // is a gigabyte of code and scratch memory; a few steps' worth is enough.
  ::setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", /*overwrite=*/0);
  const auto memory =
      static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGE_SIZE));
  try {
    TensorArena::Instance() =
        new TensorArena(memory, c10::GetCPUAllocator());  // never freed: tensors may outlive main
  } catch (const std::bad_alloc&) {
    return;  // address space is limited: use malloc
  }
  c10::SetCPUAllocator(TensorArena::Instance(), /*priority=*/1);
#endif
}

}  // namespace gemtune::ops
