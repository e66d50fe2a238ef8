#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace gemtune {

/// Memory backed by a file, for what does not fit beside the rest: the kernel writes its pages out where
/// memory runs short. The file has no name, so it is gone with the process, however that ends.
class ScratchFile {
 public:
  /// `bytes` > 0 zeros in a file in `directory`, whose room is taken at once. Throws RunError naming the
  /// directory and the size where there is none.
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
