#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gemtune::test {

/// Makes small GGUF files, one metadata pair and one tensor after the other:
///   GgufWriter().Set("general.architecture", "gemma3").Set("gemma3.block_count", uint32_t{2})
///       .Tensor("output_norm.weight", 0, {8}, bytes).Write(path);
/// Nothing is checked: tests also make broken files with it.
class GgufWriter {
 public:
  uint32_t version = 3;
  uint64_t alignment = 32;  // of the data; set "general.alignment" as well where it is not 32

  /// T: bool, any integer, float, double, text, or a vector of these. The type in the file follows T.
  template <typename T>
  GgufWriter& Set(std::string_view key, const T& value) {
    ++pairs_;
    AppendText(metadata_, key);
    if constexpr (requires { typename T::value_type; } && !std::convertible_to<T, std::string_view>) {
      Append(metadata_, uint32_t{9});
      Append(metadata_, TypeId<typename T::value_type>());
      Append(metadata_, uint64_t{value.size()});
      for (const typename T::value_type& element : value) AppendValue(element);
    } else {
      Append(metadata_, TypeId<T>());
      AppendValue(value);
    }
    return *this;
  }

  /// `shape` in PyTorch's order; `ggml_type` 0: F32, 1: F16, 8: Q8_0, ...
  GgufWriter& Tensor(std::string_view name, uint32_t ggml_type, const std::vector<uint64_t>& shape,
                     std::string_view data) {
    ++tensors_;
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    AppendText(entries_, name);
    Append(entries_, static_cast<uint32_t>(shape.size()));
    for (auto size = shape.rbegin(); size != shape.rend(); ++size) Append(entries_, *size);
    Append(entries_, ggml_type);
    Append(entries_, uint64_t{data_.size()});
    data_ += data;
    return *this;
  }

  GgufWriter& Tensor(std::string_view name, const std::vector<uint64_t>& shape,
                     const std::vector<float>& values) {
    return Tensor(name, 0, shape,
                  {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  std::string Bytes() const {
    std::string file = "GGUF";
    Append(file, version);
    Append(file, tensors_);
    Append(file, pairs_);
    file += metadata_ + entries_;
    file.resize((file.size() + alignment - 1) / alignment * alignment);
    return file + data_;
  }

  void Write(const std::filesystem::path& path) const { std::ofstream(path, std::ios::binary) << Bytes(); }

 private:
  template <typename T>
  static uint32_t TypeId() {
    if constexpr (std::same_as<T, bool>) return 7;
    if constexpr (std::same_as<T, float>) return 6;
    if constexpr (std::same_as<T, double>) return 12;
    if constexpr (std::convertible_to<T, std::string_view>) return 8;
    if constexpr (std::integral<T>) {
      constexpr uint32_t kUnsigned = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 10;
      return kUnsigned + (std::is_signed_v<T> ? 1 : 0);
    }
  }

  template <typename T>
  static void Append(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  static void AppendText(std::string& to, std::string_view text) {
    Append(to, uint64_t{text.size()});
    to += text;
  }

  template <typename T>
  void AppendValue(const T& value) {
    if constexpr (std::convertible_to<T, std::string_view>) {
      AppendText(metadata_, value);
    } else {
      Append(metadata_, value);
    }
  }

  uint64_t pairs_ = 0;
  uint64_t tensors_ = 0;
  std::string metadata_;
  std::string entries_;
  std::string data_;
};

}  // namespace gemtune::test
