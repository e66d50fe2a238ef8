#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// −Σ_i log softmax(logits_i)[targets_i], summed over rows (not averaged, because sums and counts add up over
/// micro batches). With label smoothing ε the target distribution is (1 − ε)·one-hot + ε / classes, as
/// torch's cross_entropy. logits [N, classes] any float dtype, read in fp32 (double for double); targets [N]
/// int64. Scalar. Differentiable in logits.
at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& targets, double label_smoothing = 0.0);

}  // namespace gemtune::ops
