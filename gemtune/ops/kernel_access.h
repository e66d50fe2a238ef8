#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/base/error.h"
#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/ops/cuda_plugin.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {

/// Whether kernels may be used, and are for this type: fp32 or bf16.
inline bool IsForKernels(const at::Tensor& x) {
  return kernels::AllowedInstructionSet() != kernels::InstructionSet::kNone &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

namespace cuda {

/// Whether the kernels of the loaded plugin can process this tensor.
inline bool Handles(const at::Tensor& x) {
  return IsOnCard(x) && IsForKernels(x);
}

}  // namespace cuda

namespace cpu {

/// Whether the kernels for the processor can.
inline bool Handles(const at::Tensor& x) {
  return IsOnHost(x) && IsForKernels(x) && !cuda::Handles(x);
}

}  // namespace cpu

/// Whether kernels can process this tensor. Anything else is processed by compositions of ATen calls, and so
/// is everything if kernels are disabled.
inline bool HasKernels(const at::Tensor& x) {
  return cpu::Handles(x) || cuda::Handles(x);
}

/// The one of two implementations of an op, cpu::F and cuda::F, that is for this tensor, which HasKernels.
template <typename F>
F* Choose(const at::Tensor& x, F* on_cpu, F* on_cuda) {
  return cuda::Handles(x) ? on_cuda : on_cpu;
}

/// The numbers of a tensor, fp32 or bf16, from its first element on, in its device's memory; the caller must
/// handle strides.
inline BFloat16* BFloat16Data(const at::Tensor& x) {
  GEMTUNE_CHECK(IsOnHost(x) || cuda::Handles(x));
  return reinterpret_cast<BFloat16*>(x.data_ptr<at::BFloat16>());
}

inline kernels::ConstFloats ConstFloatsOf(const at::Tensor& x) {
  if (x.scalar_type() == at::kBFloat16) return kernels::ConstFloats(BFloat16Data(x));
  GEMTUNE_CHECK(IsOnHost(x) || cuda::Handles(x));
  return kernels::ConstFloats(x.const_data_ptr<float>());
}

inline kernels::Floats FloatsOf(const at::Tensor& x) {
  if (x.scalar_type() == at::kBFloat16) return kernels::Floats(BFloat16Data(x));
  GEMTUNE_CHECK(IsOnHost(x) || cuda::Handles(x));
  return kernels::Floats(x.data_ptr<float>());
}

}  // namespace gemtune::ops
