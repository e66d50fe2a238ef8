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

/// y = x · weightᵀ without bias, as every projection of Gemma 3, and what a LoRA adapter adds to it.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options);

  /// With storage given: [out_features, in_features].
  explicit LinearImpl(at::Tensor storage);

  /// x [rows, in_features] → [rows, out_features].
  at::Tensor forward(const at::Tensor& x) const;

  /// What forward computes, for an op that does more in one.
  ops::Projection projection() const;

  /// The weight becomes `blocks` of the same shape, and frozen: `weight` is their bytes from here on.
  void KeepBlocks(const ops::BlockRows& blocks);

  /// The weight without an adapter, as products take it.
  ops::MatmulWeight matmul_weight() const;

  /// Adds `adapter`, whose parameters become this module's, in the place of an earlier one.
  void SetAdapter(LoraAdapter adapter);

  /// The adapter becomes part of the weight, and is gone.
  void MergeAdapter();

  /// What its products with the weight compute with.
  void set_matmul_dtype(ops::MatmulDtype dtype) { matmul_dtype_ = dtype; }

  at::Tensor weight;  // [out_features, in_features]; kept blocks: uint8 [out_features, bytes of a row]

 private:
  ops::MatmulDtype matmul_dtype_ = ops::MatmulDtype::kOperands;
  std::optional<ops::BlockType> block_type_;
  std::unique_ptr<LoraAdapter> adapter_;  // null: none
};
TORCH_MODULE(Linear);

/// Uninitialised weights [heights[i], in_features] of projections that read the same rows, behind one another
/// in memory: ops::NormLinear then computes them in one product.
std::vector<at::Tensor> AdjacentWeights(int64_t in_features, at::IntArrayRef heights,
                                        const at::TensorOptions& options);

}  // namespace gemtune::model
