#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>

#include "gemtune/ops/block_rows.h"

namespace gemtune::model {

/// The token embedding; scaled by √hidden_size on the way in.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  TokenEmbeddingImpl(int64_t vocab_size, int64_t hidden_size, const at::TensorOptions& options);

  /// ids [T] int64 → [T, hidden_size].
  at::Tensor forward(const at::Tensor& ids) const;

  /// The weight becomes `blocks` of the same shape, and frozen: `weight` is their bytes from here on, of
  /// which forward makes numbers of the dtype that it had.
  void KeepBlocks(const ops::BlockRows& blocks);

  at::Tensor weight;  // [vocab_size, hidden_size]; kept blocks: uint8 [vocab_size, bytes of a row]

 private:
  const at::ScalarType dtype_;
  std::optional<ops::BlockType> block_type_;
};
TORCH_MODULE(TokenEmbedding);

}  // namespace gemtune::model
