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
#include <variant>
#include <vector>

#include "gemtune/io/mapped_file.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::io {

/// Types of GGUF metadata values, by their numbers in the file.
enum class GgufType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// An array of anything but strings, as it lies in the file.
struct GgufNumberArray {
  GgufType element_type = GgufType::kUint8;
  uint64_t size = 0;                // elements
  const std::byte* data = nullptr;  // at any address
};

/// One metadata value. Integers of every width are widened; texts and arrays lie in the mapped file.
using GgufValue = std::variant<bool, uint64_t, int64_t, double, std::string_view,
                               std::vector<std::string_view>, GgufNumberArray>;

struct GgufTensor {
  std::string_view name;
  kernels::BlockType type;
  std::vector<int64_t> shape;  // in PyTorch's order: [out, in]; the last is the one that blocks run along
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

  /// True for a file that begins as GGUF files do, whatever follows.
  static bool HasMagic(const std::filesystem::path& path);

  /// nullptr if there is no such key. Valid as long as this object or a copy of it.
  const GgufValue* Find(std::string_view key) const;

  /// The value of `key` as a T: bool; any integer type (from any integer type that holds the value); float or
  /// double; std::string_view; std::span<const std::string_view>; std::vector<float>; std::vector<int32_t>
  /// (from any integer type). Views are valid as long as this object or a copy of it. Throws Error naming the
  /// file and the key if the value is of another type or does not fit.
  template <typename T>
  std::optional<T> Optional(std::string_view key) const;

  /// The same, and throws Error if there is no such key.
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
