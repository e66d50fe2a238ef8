#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>

#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/projection.h"

namespace gemtune::model {

/// The token embedding; its output is scaled by √hidden_size.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  TokenEmbeddingImpl(int64_t vocab_size, int64_t hidden_size, const at::TensorOptions& options);

  /// ids [T] int64 → [T, hidden_size].
  at::Tensor forward(const at::Tensor& ids) const;

  /// The embedding as the weight of a tied head: hidden · weightᵀ, not scaled.
  ops::Projection projection() const;

  /// Replaces the weight by `blocks` of the same shape and freezes it. `weight` then holds their bytes, and
  /// forward still gives numbers of its former dtype.
  void KeepBlocks(const ops::BlockRows& blocks);

  at::Tensor weight;  // [vocab_size, hidden_size]; blocks: uint8 [vocab_size, bytes of a row]

 private:
  const at::ScalarType dtype_;
  std::optional<ops::BlockType> block_type_;
};
TORCH_MODULE(TokenEmbedding);

}  // namespace gemtune::model
