#include "gemtune/train/tensor_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "gemtune/base/error.h"

namespace gemtune::train {
namespace {

const std::map<at::ScalarType, DType> kTypes = {
    {at::kFloat, DType::kF32}, {at::kDouble, DType::kF64}, {at::kLong, DType::kI64}};

}  // namespace

void WriteTensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  std::vector<io::NamedTensor> views;
  for (const auto& [name, tensor] : tensors) {
    GEMTUNE_CHECK(tensor.is_contiguous() && tensor.is_cpu() && kTypes.contains(tensor.scalar_type()));
    views.push_back({name,
                     {.dtype = kTypes.at(tensor.scalar_type()),
                      .shape = tensor.sizes().vec(),
                      .data = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}}});
  }
  io::WriteSafetensors(path, views);
}

TensorFile::TensorFile(const std::filesystem::path& path)
    : path_(path.string()), file_(io::SafetensorsFile::Open(path)) {}

at::Tensor TensorFile::Get(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const {
  const auto found = file_.tensors().find(name);
  if (found == file_.tensors().end()) Complain(name, "is missing");
  const io::TensorView& view = found->second;
  const auto fits = [](int64_t size, int64_t wanted) { return wanted == -1 || size == wanted; };
  if (view.dtype != kTypes.at(dtype) || !std::ranges::equal(view.shape, shape, fits)) {
    Complain(name, "has another type or shape than this run's");
  }
  return at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, dtype);
}

void TensorFile::Complain(const std::string& name, const std::string& what) const {
  Fail("{}: '{}' {}", path_, Printable(name, 120), what);
}

}  // namespace gemtune::train
