#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace gemtune {

/// One stretch of address space from which large blocks are cut, best fit first, and joined again when they
/// are given back. Training asks for the same tens of megabytes in every step; malloc maps them anew each
/// time, and the system clears a page for every 4 KB of it. Here they stay, in pages of 2 MB where the system
/// has them. Thread-safe.
class Arena {
 public:
  /// Address space only: memory is taken as it is touched first. Throws std::bad_alloc if there is not even
  /// that.
  explicit Arena(size_t capacity);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Aligned to 256 bytes; nullptr where there is no room.
  void* Allocate(size_t bytes);

  /// Gives back what Allocate gave; false if it did not.
  bool Free(void* block);

  /// Bytes from the beginning up to the end of the furthest block there ever was: all the memory that can be
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
