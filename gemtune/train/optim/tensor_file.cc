#include "gemtune/train/optim/tensor_file.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/device.h"
#include "gemtune/ops/dtype.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::train {
void WriteTensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  std::vector<io::NamedTensor> views;
  std::vector<at::Tensor> kept;  // the views look into these
  for (const auto& [name, anywhere] : tensors) {
    views.push_back({name, model::ViewForFile(kept.emplace_back(anywhere.to(ops::Host())))});
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
  if (view.dtype != ops::ToDType(dtype) || !std::ranges::equal(view.shape, shape, fits)) {
    Complain(name, "has another type or shape than this run's");
  }
  return ops::HostView(view.data, view.shape, dtype);
}

void TensorFile::Complain(const std::string& name, const std::string& what) const {
  Fail("{}: '{}' {}", path_, Printable(name, 120), what);
}

}  // namespace gemtune::train
