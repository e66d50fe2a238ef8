#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gemtune/base/file.h"
#include "gemtune/io/gguf_value.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::io {

/// The metadata of a GGUF file to be written, in the order of Set.
class GgufMetadata {
 public:
  /// T: bool, any integer of 8 to 64 bits, float, double, text, or a vector of these but bool. The type in
  /// the file follows T, so callers write uint32_t{...} where llama.cpp expects one. Each key once.
  template <typename T>
  GgufMetadata& Set(std::string_view key, const T& value) {
    AppendKey(key);
    if constexpr (std::convertible_to<T, std::string_view>) {
      AppendType(GgufType::kString);
      AppendText(value);
    } else if constexpr (requires { typename T::value_type; }) {
      using Element = typename T::value_type;
      AppendType(GgufType::kArray);
      AppendType(TypeOf<Element>());
      AppendNumber(uint64_t{value.size()});
      for (const Element& element : value) AppendValue(element);
    } else {
      AppendType(TypeOf<T>());
      AppendValue(value);
    }
    return *this;
  }

  uint64_t size() const { return keys_.size(); }

  /// The pairs as they lie in the file.
  const std::string& bytes() const { return bytes_; }

 private:
  template <typename T>
  static constexpr GgufType TypeOf() {
    if constexpr (std::same_as<T, bool>) {
      return GgufType::kBool;
    } else if constexpr (std::convertible_to<T, std::string_view>) {
      return GgufType::kString;
    } else if constexpr (std::floating_point<T>) {
      return sizeof(T) == 4 ? GgufType::kFloat32 : GgufType::kFloat64;
    } else {
      static_assert(std::integral<T>);
      constexpr GgufType kUnsigned[] = {GgufType::kUint8, GgufType::kUint16, GgufType::kUint32,
                                        GgufType::kUint64};
      constexpr GgufType kSigned[] = {GgufType::kInt8, GgufType::kInt16, GgufType::kInt32, GgufType::kInt64};
      constexpr int kLog = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
      return std::is_signed_v<T> ? kSigned[kLog] : kUnsigned[kLog];
    }
  }

  template <typename T>
  void AppendNumber(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  template <typename T>
  void AppendValue(const T& value) {
    if constexpr (std::convertible_to<T, std::string_view>) {
      AppendText(value);
    } else {
      AppendNumber(value);
    }
  }

  void AppendKey(std::string_view key);
  void AppendType(GgufType type) { AppendNumber(static_cast<uint32_t>(type)); }
  void AppendText(std::string_view text);

  std::set<std::string, std::less<>> keys_;
  std::string bytes_;
};

/// A tensor to be written.
struct GgufTensorEntry {
  std::string name;
  kernels::BlockType type;
  std::vector<int64_t> shape;  // in PyTorch's order: [out, in]; rows are whole blocks

  int64_t bytes() const;
};

/// Writes a GGUF file, version 3, little endian: the header at once, then the tensors' numbers piece by
/// piece, so that no more than a piece of them is in memory. The file gets its name in Commit() (AtomicFile).
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
class GgufWriter {
 public:
  /// Data is aligned to 32 bytes, the format's default. Throws RunError naming the file if writing fails, as
  /// all methods do.
  GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
             std::vector<GgufTensorEntry> tensors);

  /// Rounds numbers to the type of the tensor whose turn it is (kernels::Quantize), on all threads, and
  /// appends them. The tensors follow one another in the order of `tensors`; a piece is whole blocks of one
  /// of them. Throws Error naming the tensor for numbers that its type cannot hold.
  void Write(std::span<const float> numbers);

  /// All numbers must have been written.
  void Commit();

 private:
  void Append(std::string_view bytes);
  void Pad();

  std::string path_;
  AtomicFile file_;
  std::vector<GgufTensorEntry> tensors_;
  int64_t position_ = 0;  // bytes in the file
  size_t tensor_ = 0;     // whose turn it is
  int64_t left_ = 0;      // bytes that it still lacks
};

}  // namespace gemtune::io
