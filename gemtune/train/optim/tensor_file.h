#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/io/safetensors.h"

namespace gemtune::train {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Writes a safetensors file of contiguous fp32, fp64 or int64 tensors from any device. Throws RunError if
/// writing fails.
void WriteTensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors);

/// A memory-mapped file that WriteTensors wrote.
class TensorFile {
 public:
  /// Throws Error for a file that is missing or damaged.
  explicit TensorFile(const std::filesystem::path& path);

  /// A view of the tensor called `name`, valid as long as this object. The tensor must have this type and
  /// this shape; −1 means any size. Otherwise throws an Error naming it and the file.
  at::Tensor Get(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const;

  /// Throws Error "<file>: '<name>' <what>".
  [[noreturn]] void Complain(const std::string& name, const std::string& what) const;

 private:
  std::string path_;
  io::SafetensorsFile file_;
};

}  // namespace gemtune::train
