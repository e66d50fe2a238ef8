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

/// Writes a safetensors file of tensors that are fp32, fp64 or int64 and contiguous, on any device. Throws
/// RunError where the disk refuses.
void WriteTensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors);

/// A file of WriteTensors, mapped.
class TensorFile {
 public:
  /// Throws Error for a file that is missing or damaged.
  explicit TensorFile(const std::filesystem::path& path);

  /// A view, valid as long as this, of the tensor called `name`, which must have that type and that shape; −1
  /// stands for any size. Throws Error naming it and the file.
  at::Tensor Get(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const;

  /// Throws Error "<file>: '<name>' <what>".
  [[noreturn]] void Complain(const std::string& name, const std::string& what) const;

 private:
  std::string path_;
  io::SafetensorsFile file_;
};

}  // namespace gemtune::train
