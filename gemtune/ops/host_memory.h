#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "gemtune/base/error.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {

// How the layers above access a tensor's numbers and make a tensor from numbers. A tensor may be on another
// device; only those on the host have an address.

/// The bytes of a contiguous tensor on the host. A view, valid as long as the tensor. Must not be written to
/// if the tensor is a view of const memory.
std::span<std::byte> HostBytes(const at::Tensor& tensor);

/// The same as numbers of type T, which must be the tensor's type. `const T` is for reading.
template <typename T>
std::span<T> HostValues(const at::Tensor& tensor) {
  GEMTUNE_CHECK(tensor.scalar_type() == c10::CppTypeToScalarType<std::remove_const_t<T>>::value);
  const std::span<std::byte> bytes = HostBytes(tensor);
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

/// A tensor of this type and shape that is a view of `bytes`, whose size must match. The bytes must outlive
/// it, or belong to `owner`, which the tensor then holds. Const bytes must only be read.
at::Tensor HostView(std::span<const std::byte> bytes, at::IntArrayRef shape, at::ScalarType dtype,
                    std::shared_ptr<const void> owner = nullptr);

/// The same for numbers.
template <typename T>
at::Tensor HostView(std::span<T> values, at::IntArrayRef shape, std::shared_ptr<const void> owner = nullptr) {
  return HostView(std::as_bytes(values), shape, c10::CppTypeToScalarType<std::remove_const_t<T>>::value,
                  std::move(owner));
}

}  // namespace gemtune::ops
