#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/io/gguf_value.h"
#include "gemtune/io/mapped_file.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::io {

struct GgufTensor {
  std::string_view name;
  kernels::BlockType type;
  std::vector<int64_t> shape;  // in PyTorch's order: [out, in]; blocks run along the last dimension
  std::span<const std::byte> data;
};

/// A GGUF file (version 2 or 3, little endian), memory-mapped.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
class GgufFile {
 public:
  /// Checks every count, length, type, alignment, shape and offset against the file's size before using it,
  /// and that no two tensors overlap.
  /// Throws Error "<file>: ..." on the first fault, on duplicate keys or tensors, and on tensors of a type
  /// that kernels::BlockType lacks (naming the tensor, its type and the types that can be read).
  static GgufFile Open(const std::filesystem::path& path);

  /// Whether the file begins like a GGUF file, whatever follows.
  static bool HasMagic(const std::filesystem::path& path);

  /// nullptr if there is no such key. Valid as long as this object or a copy of it.
  const GgufValue* Find(std::string_view key) const;

  /// The value of `key` as a T: bool; any integer type (from any integer type that holds the value); float or
  /// double; std::string_view; std::span<const std::string_view>; std::vector<float>; std::vector<int32_t>
  /// (from any integer type). Views are valid as long as this object or a copy of it. Throws Error naming the
  /// file and the key if the value is of another type or does not fit.
  template <typename T>
  std::optional<T> Optional(std::string_view key) const;

  /// The same, but throws Error if there is no such key.
  template <typename T>
  T Required(std::string_view key) const {
    if (auto value = Optional<T>(key)) return *std::move(value);
    FailMissing(key);
  }

  /// In the order of the file. Views are valid as long as this object or a copy of it.
  const std::vector<GgufTensor>& tensors() const { return state_->tensors; }

  const MappedFile& file() const { return *state_->file; }

 private:
  friend class GgufParser;
  struct State {
    std::shared_ptr<const MappedFile> file;
    std::map<std::string_view, GgufValue> metadata;
    std::vector<GgufTensor> tensors;
  };
  explicit GgufFile(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  [[noreturn]] void FailMissing(std::string_view key) const;

  std::shared_ptr<const State> state_;
};

}  // namespace gemtune::io
