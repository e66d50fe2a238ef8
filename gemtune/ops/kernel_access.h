#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/base/error.h"
#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {

/// Whether kernels can process this tensor: fp32 or bf16 on the CPU. Anything else is processed by
/// compositions of ATen calls, and so is everything if kernels are disabled.
inline bool HasKernels(const at::Tensor& x) {
  return IsOnHost(x) && kernels::AllowedInstructionSet() != kernels::InstructionSet::kNone &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

inline BFloat16* BFloat16Data(const at::Tensor& x) {
  GEMTUNE_CHECK(IsOnHost(x));
  return reinterpret_cast<BFloat16*>(x.data_ptr<at::BFloat16>());
}

/// The numbers of a tensor with HasKernels, from its first element on; the caller must handle strides.
inline kernels::ConstFloats ConstFloatsOf(const at::Tensor& x) {
  GEMTUNE_CHECK(IsOnHost(x));
  if (x.scalar_type() == at::kBFloat16) return kernels::ConstFloats(BFloat16Data(x));
  return kernels::ConstFloats(x.const_data_ptr<float>());
}

inline kernels::Floats FloatsOf(const at::Tensor& x) {
  GEMTUNE_CHECK(IsOnHost(x));
  if (x.scalar_type() == at::kBFloat16) return kernels::Floats(BFloat16Data(x));
  return kernels::Floats(x.data_ptr<float>());
}

}  // namespace gemtune::ops
