#pragma once

#include <cstdint>

#include "gemtune/base/check.h"
#include "gemtune/base/float16.h"

namespace gemtune::kernels {

/// A pointer to fp32 or bf16 numbers, so that a kernel is one function for both. ConstFloats reads, Floats
/// writes.
template <typename Void, typename Float, typename Bf16>
class FloatPointer {
 public:
  FloatPointer(Float* data) : data_(data), is_bf16_(false) {}  // NOLINT(google-explicit-constructor): a view
  FloatPointer(Bf16* data) : data_(data), is_bf16_(true) {}    // NOLINT(google-explicit-constructor): a view

  bool is_bf16() const { return is_bf16_; }
  Void* data() const { return data_; }

  FloatPointer operator+(int64_t elements) const {
    return is_bf16_ ? FloatPointer(static_cast<Bf16*>(data_) + elements)
                    : FloatPointer(static_cast<Float*>(data_) + elements);
  }

 private:
  Void* data_;
  bool is_bf16_;
};

using ConstFloats = FloatPointer<const void, const float, const BFloat16>;
using Floats = FloatPointer<void, float, BFloat16>;

/// Calls body with a value of the type that all of `first` and `others` point to, float or BFloat16.
template <typename Body, typename First, typename... Others>
void WithTypeOf(Body&& body, const First& first, const Others&... others) {
  GEMTUNE_CHECK(((others.is_bf16() == first.is_bf16()) && ...));
  if (first.is_bf16()) {
    body(BFloat16());
  } else {
    body(float());
  }
}

}  // namespace gemtune::kernels
