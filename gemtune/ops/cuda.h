#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/device.h"

// The implementations of the ops on a card, for tensors with cuda::Handles. Contracts are those of cpu.h and
// of the ops, which have checked the arguments and made them contiguous. Only x_cuda.cc uses the kernels.
// What is not here, products above all, are ATen's calls.
namespace gemtune::ops::cuda {

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);
std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy);
at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps);
std::pair<at::Tensor, at::Tensor> AddRmsNormGradients(const at::Tensor& x, const at::Tensor& weight,
                                                      double eps, const at::Tensor& dsum);

at::Tensor GeGlu(const at::Tensor& gate_up);
at::Tensor GeGluGradient(const at::Tensor& gate_up, const at::Tensor& dy);

at::Tensor SoftmaxGradients(const at::Tensor& logits, const at::Tensor& targets);
RowLosses SoftmaxLosses(const at::Tensor& logits, const at::Tensor& targets);

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key);
at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key, const Device& device);

/// The rows of `weight` at `ids`, on its device, times scale: fp32.
at::Tensor Embedding(const at::Tensor& weight, const at::Tensor& ids, double scale);
/// The gradient of a weight like this one, sparse and coalesced. ids on the host; dy [T, dim] fp32.
at::Tensor EmbeddingGradient(const at::Tensor& weight, const at::Tensor& ids, double scale,
                             const at::Tensor& dy);

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype);
at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype);

/// Whether FlashAttention-2 takes such queries: bf16, head_dim a multiple of 8 up to 256, at least one.
bool CanAttend(const at::Tensor& q, int64_t head_dim);

// Those below need CanAttend; QkvAttention is differentiable.

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options);
at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept);

at::Tensor SumOfSquares(at::TensorList tensors);
/// All with the same options.
void AdamWSteps(std::span<const AdamWItem> items, const AdamWPace& pace);
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

}  // namespace gemtune::ops::cuda
