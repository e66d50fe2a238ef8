#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gemtune/base/dtype.h"
#include "gemtune/io/mapped_file.h"

namespace gemtune::io {

/// A dense, row-major tensor in memory. Does not own its data.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// One safetensors file, memory-mapped. Format: https://github.com/huggingface/safetensors#format
class SafetensorsFile {
 public:
  /// Checks the whole header: its size, JSON, dtypes, shapes, products without overflow, offsets in range,
  /// contiguous and not overlapping. Throws Error "<file>: '<tensor>': ..." on the first fault.
  static SafetensorsFile Open(const std::filesystem::path& path);

  /// By name; views stay valid as long as this object or a copy of it.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

  /// The header's __metadata__.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  const MappedFile& file() const { return *file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct NamedTensor {
  std::string name;
  TensorView tensor;
};

/// Writes one file in the given order, atomically (temporary file, fsync, rename). The header is padded so
/// that the data starts at a multiple of 8. Throws RunError if writing fails.
void WriteSafetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// As in transformers' save_pretrained.
inline constexpr int64_t kMaxShardBytes = 5'000'000'000;

/// Writes `directory`/model.safetensors, or, if the data exceeds `max_shard_bytes`,
/// model-00001-of-0000N.safetensors and model.safetensors.index.json, split in order as transformers'
/// save_pretrained does. Metadata is {"format": "pt"}.
void WriteShardedSafetensors(const std::filesystem::path& directory, const std::vector<NamedTensor>& tensors,
                             int64_t max_shard_bytes = kMaxShardBytes);

}  // namespace gemtune::io
