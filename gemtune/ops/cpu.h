#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "gemtune/ops/adamw_step.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/ops/qkv_attention.h"
#include "gemtune/ops/row_adamw_step.h"

// What kernels do of the ops on the CPU, for tensors that HasKernels: contracts are those of the ops, which
// have checked what they are given and made it contiguous. x.cc chooses; x_cpu.cc alone knows the kernels.
// Another device comes beside it: x_cuda.cc, and a list like this one.
namespace gemtune::ops::cpu {

// The directions of an op without autograd, which x.cc makes one function of, or other ops a part of theirs.

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);
std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy);
at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps);
/// Of x and of the weight; the residual's is dsum.
std::pair<at::Tensor, at::Tensor> AddRmsNormGradients(const at::Tensor& x, const at::Tensor& weight,
                                                      double eps, const at::Tensor& dsum);

/// Of gate and up side by side [rows, 2 · width].
at::Tensor GeGlu(const at::Tensor& gate_up);
/// The gradient of gate_up; `dy`, the result's, becomes the result.
at::Tensor GeGluGradient(const at::Tensor& gate_up, const at::Tensor& dy);

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key);
uint64_t DropoutKey(uint64_t key, uint64_t stream);
/// What Dropout multiplies by, fp32.
at::Tensor DropoutMask(at::IntArrayRef shape, double rate, uint64_t key);

bool HasInt8Products();
bool HasFastBFloat16();
/// Nothing where ATen's product is the faster one.
std::optional<at::Tensor> LinearOutput(const at::Tensor& x, const MatmulWeight& weight, MatmulDtype dtype,
                                       const AddedProduct& added);
std::optional<at::Tensor> LinearInputGradient(const at::Tensor& dy, const MatmulWeight& weight,
                                              MatmulDtype dtype, const AddedProduct& added);
std::optional<at::Tensor> LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x);

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype);
at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype);

// With autograd.

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options);

// Of the optimiser.

at::Tensor SumOfSquares(const at::Tensor& x);
void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace);
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

}  // namespace gemtune::ops::cpu
