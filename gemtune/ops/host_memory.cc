#include "gemtune/ops/host_memory.h"

#include <ATen/ATen.h>

#include <utility>

namespace gemtune::ops {

std::span<std::byte> HostBytes(const at::Tensor& tensor) {
  GEMTUNE_CHECK(IsOnHost(tensor) && tensor.is_contiguous());
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

at::Tensor HostView(std::span<const std::byte> bytes, at::IntArrayRef shape, at::ScalarType dtype,
                    std::shared_ptr<const void> owner) {
  GEMTUNE_CHECK(bytes.size() == static_cast<size_t>(c10::multiply_integers(shape)) * at::elementSize(dtype));
  auto* data = const_cast<std::byte*>(bytes.data());
  if (owner == nullptr) return at::from_blob(data, shape, dtype);
  return at::from_blob(
      data, shape, [held = std::move(owner)](void*) {}, at::TensorOptions().dtype(dtype));
}

}  // namespace gemtune::ops
