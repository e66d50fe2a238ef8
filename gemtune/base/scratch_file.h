#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace gemtune {

/// Memory backed by a file, for data that may not fit in memory: the kernel writes its pages out if memory
/// runs short. The file has no name, so it vanishes with the process, however that ends.
class ScratchFile {
 public:
  /// `bytes` > 0 zeros in a file in `directory`; the disk space is allocated at once. Throws a RunError
  /// naming the directory and the size if there is not enough.
  ScratchFile(const std::filesystem::path& directory, int64_t bytes);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gemtune
