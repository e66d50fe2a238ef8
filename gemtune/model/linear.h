#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <vector>

#include "gemtune/model/lora.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/projection.h"

namespace gemtune::model {

/// y = x · weightᵀ without bias, as in every projection of Gemma 3, plus a LoRA adapter's term if it has one.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options);

  /// Uses `storage` [out_features, in_features] as the weight.
  explicit LinearImpl(at::Tensor storage);

  /// x [rows, in_features] → [rows, out_features].
  at::Tensor forward(const at::Tensor& x) const;

  /// What forward computes, for fused ops.
  ops::Projection projection() const;

  /// Replaces the weight by `blocks` of the same shape and freezes it; `weight` then holds their bytes.
  void KeepBlocks(const ops::BlockRows& blocks);

  /// The weight without the adapter, in the form that matrix products take.
  ops::MatmulWeight matmul_weight() const;

  /// Sets the adapter, replacing an earlier one; its parameters become this module's.
  void SetAdapter(LoraAdapter adapter);

  /// Adds the adapter to the weight and removes it.
  void MergeAdapter();

  /// The number format of the products with the weight.
  void set_matmul_dtype(ops::MatmulDtype dtype) { matmul_dtype_ = dtype; }

  at::Tensor weight;  // [out_features, in_features]; blocks: uint8 [out_features, bytes of a row]

 private:
  ops::MatmulDtype matmul_dtype_ = ops::MatmulDtype::kOperands;
  std::optional<ops::BlockType> block_type_;
  std::unique_ptr<LoraAdapter> adapter_;  // null: none
};
TORCH_MODULE(Linear);

/// Uninitialised weights [heights[i], in_features] of projections that read the same rows, adjacent in
/// memory, so that ops::NormLinear computes them in one product.
std::vector<at::Tensor> AdjacentWeights(int64_t in_features, at::IntArrayRef heights,
                                        const at::TensorOptions& options);

}  // namespace gemtune::model
