#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/ops/adamw_step.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/cached_attention.h"
#include "gemtune/ops/linear_cross_entropy.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/ops/qkv_attention.h"
#include "gemtune/ops/row_adamw_step.h"

// The CPU implementations of the ops, for tensors with HasKernels. Contracts are those of the ops, which have
// checked the arguments and made them contiguous. x.cc chooses the implementation; only x_cpu.cc uses the
// kernels. Another device would add x_cuda.cc and a header like this one.
namespace gemtune::ops::cpu {

// Forward and backward of ops without autograd. x.cc combines them into an autograd function, and other ops
// use them as parts.

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);
std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy);
at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps);
/// Gradients of x and of the weight; the residual's is dsum.
std::pair<at::Tensor, at::Tensor> AddRmsNormGradients(const at::Tensor& x, const at::Tensor& weight,
                                                      double eps, const at::Tensor& dsum);

/// gate_up holds gate and up side by side: [rows, 2 · width].
at::Tensor GeGlu(const at::Tensor& gate_up);
/// The gradient of gate_up. Overwrites `dy`, the gradient of the result, with the result itself.
at::Tensor GeGluGradient(const at::Tensor& gate_up, const at::Tensor& dy);

/// For contiguous logits [r, V] and targets [r] int64 of an ops::LinearCrossEntropySum: the losses [r] fp32.
/// The first overwrites the logits by their gradients.
at::Tensor SoftmaxGradients(const at::Tensor& logits, const at::Tensor& targets);
RowLosses SoftmaxLosses(const at::Tensor& logits, const at::Tensor& targets);

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key);
uint64_t DropoutKey(uint64_t key, uint64_t stream);
/// The factors by which Dropout multiplies, fp32.
at::Tensor DropoutMask(at::IntArrayRef shape, double rate, uint64_t key);

at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key);

bool ProductsAreOwn(at::ScalarType dtype);
bool HasInt8Products();
std::vector<std::string> InstructionsInUse();
bool HasFastBFloat16();
/// nullopt if ATen's product is faster.
std::optional<at::Tensor> LinearOutput(const at::Tensor& x, const MatmulWeight& weight, MatmulDtype dtype,
                                       const AddedProduct& added);
std::optional<at::Tensor> LinearInputGradient(const at::Tensor& dy, const MatmulWeight& weight,
                                              MatmulDtype dtype, const AddedProduct& added);
std::optional<at::Tensor> LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x);

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype);
at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype);

// Ops with autograd.

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options);

at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept);

// The optimiser's ops.

at::Tensor SumOfSquares(const at::Tensor& x);
void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace);
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

}  // namespace gemtune::ops::cpu
