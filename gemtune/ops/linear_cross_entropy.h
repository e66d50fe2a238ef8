#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "gemtune/ops/matmul.h"

namespace gemtune::ops {

struct LinearCrossEntropyOptions {
  int64_t chunk_rows = 0;  // logits held at once; 0: LogitRows
};

/// How many of `rows` have their logits held at once: chunks of the same size, of at most 1,024 rows of Gemma
/// 3's 262,144 words in bf16 (0.5 GB), or twice as many where W is trained. Smaller chunks are slower,
/// because each product packs the whole of W again (docs/benchmarks.md); and where W is trained, a second
/// chunk means an fp32 sum of its gradients, which takes more memory than the logits that it saves.
int64_t LogitRows(int64_t rows, int64_t vocab_size, at::ScalarType dtype, bool trains_weight);

/// −Σ_i log softmax(hidden_i · Wᵀ)[targets_i], the sum over rows of transformers' ForCausalLMLoss.
///
/// The logits of all rows, [R, V], are never held: chunks of rows go through the product, the softmax and
/// both gradients' products one after the other, so that a backward pass has nothing left to compute. As in
/// transformers, logits are of the operands' dtype and the softmax is fp32 (double for double); so is the sum
/// of the chunks' gradients of W, which is rounded once.
///
/// hidden [R, D]; weight W [V, D] of the same dtype, or in blocks; targets [R] int64, in range. Scalar, fp32
/// or double. Differentiable, once, in hidden and in a dense W.
at::Tensor LinearCrossEntropySum(const at::Tensor& hidden, const MatmulWeight& weight,
                                 const at::Tensor& targets, const LinearCrossEntropyOptions& options = {});

/// What an evaluation asks of each row.
struct RowLosses {
  at::Tensor losses;      // [R] fp32 or double: −log softmax(hidden_i · Wᵀ)[targets_i]
  at::Tensor is_correct;  // [R] bool: the target has the largest logit
};

/// The same without gradients, row by row.
RowLosses LinearCrossEntropyRows(const at::Tensor& hidden, const MatmulWeight& weight,
                                 const at::Tensor& targets, const LinearCrossEntropyOptions& options = {});

}  // namespace gemtune::ops
