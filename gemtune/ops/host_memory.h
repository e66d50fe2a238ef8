#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "gemtune/base/error.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {

// How the layers above reach a tensor's numbers, and make a tensor of numbers: a tensor may lie on a device,
// and only one on the host has an address.

/// The bytes of a contiguous tensor on the host. They are the tensor's own: good as long as it lives. Not to
/// be written to where the tensor looks into const memory.
std::span<std::byte> HostBytes(const at::Tensor& tensor);

/// The numbers of a contiguous tensor on the host, whose type T is; likewise. `const T` reads.
template <typename T>
std::span<T> HostValues(const at::Tensor& tensor) {
  GEMTUNE_CHECK(tensor.scalar_type() == c10::CppTypeToScalarType<std::remove_const_t<T>>::value);
  const std::span<std::byte> bytes = HostBytes(tensor);
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

/// A tensor of that type and shape which looks into `bytes`, as many as it takes. They must outlive it, or
/// belong to `owner`, which it then holds. Only read if they are const.
at::Tensor HostView(std::span<const std::byte> bytes, at::IntArrayRef shape, at::ScalarType dtype,
                    std::shared_ptr<const void> owner = nullptr);

/// The same of numbers.
template <typename T>
at::Tensor HostView(std::span<T> values, at::IntArrayRef shape, std::shared_ptr<const void> owner = nullptr) {
  return HostView(std::as_bytes(values), shape, c10::CppTypeToScalarType<std::remove_const_t<T>>::value,
                  std::move(owner));
}

}  // namespace gemtune::ops
