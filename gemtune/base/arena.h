#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace gemtune {

/// An allocator for large blocks in one range of address space: best fit, and freed neighbours are merged.
/// Training allocates the same tens of megabytes in every step; malloc would map them anew each time, and the
/// system would clear a page for every 4 KB. The arena keeps the memory, in pages of 2 MB if the system has
/// them. Thread-safe.
class Arena {
 public:
  /// Reserves address space only; memory is used when it is first touched. Throws std::bad_alloc if even that
  /// is not available.
  explicit Arena(size_t capacity);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Aligned to 256 bytes; nullptr if there is no room.
  void* Allocate(size_t bytes);

  /// Frees a block from Allocate; false if `block` is not one.
  bool Free(void* block);

  /// Bytes from the beginning to the end of the furthest block that ever existed: the most memory that can be
  /// in use.
  size_t high_water() const;

 private:
  void AddFree(size_t offset, size_t size);
  void RemoveFree(size_t offset, size_t size);

  mutable std::mutex mutex_;
  char* base_ = nullptr;
  size_t capacity_;
  size_t high_water_ = 0;
  std::map<size_t, size_t> free_;                     // offset → size
  std::set<std::pair<size_t, size_t>> free_by_size_;  // (size, offset)
  std::unordered_map<size_t, size_t> used_;           // offset → size
};

}  // namespace gemtune
