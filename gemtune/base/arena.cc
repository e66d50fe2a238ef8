#include "gemtune/base/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <new>

namespace gemtune {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Arena::Arena(size_t capacity) : capacity_(capacity / kHugePage * kHugePage) {
  void* mapped =
      ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<char*>(mapped);
  ::madvise(base_, capacity_, MADV_HUGEPAGE);  // only a hint: without it everything works, but slower
  AddFree(0, capacity_);
}

Arena::~Arena() {
  ::munmap(base_, capacity_);
}

void Arena::AddFree(size_t offset, size_t size) {
  free_.emplace(offset, size);
  free_by_size_.emplace(size, offset);
}

void Arena::RemoveFree(size_t offset, size_t size) {
  free_.erase(offset);
  free_by_size_.erase({size, offset});
}

void* Arena::Allocate(size_t bytes) {
  if (bytes > capacity_) return nullptr;
  const size_t needed = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  const std::lock_guard lock(mutex_);
  const auto fit = free_by_size_.lower_bound({needed, 0});
  if (fit == free_by_size_.end()) return nullptr;
  const auto [size, offset] = *fit;
  RemoveFree(offset, size);
  if (size > needed) AddFree(offset + needed, size - needed);
  used_.emplace(offset, needed);
  high_water_ = std::max(high_water_, offset + needed);
  return base_ + offset;
}

bool Arena::Free(void* block) {
  const auto position = static_cast<char*>(block) - base_;
  if (position < 0 || static_cast<size_t>(position) >= capacity_) return false;
  const std::lock_guard lock(mutex_);
  auto offset = static_cast<size_t>(position);
  const auto used = used_.find(offset);
  if (used == used_.end()) return false;
  size_t size = used->second;
  used_.erase(used);
  const auto after = free_.lower_bound(offset);
  if (after != free_.begin()) {
    const auto [before_offset, before_size] = *std::prev(after);
    if (before_offset + before_size == offset) {
      RemoveFree(before_offset, before_size);
      offset = before_offset;
      size += before_size;
    }
  }
  const auto behind = free_.find(offset + size);
  if (behind != free_.end()) {
    const size_t more = behind->second;
    RemoveFree(offset + size, more);
    size += more;
  }
  AddFree(offset, size);
  return true;
}

size_t Arena::high_water() const {
  const std::lock_guard lock(mutex_);
  return high_water_;
}

}  // namespace gemtune
