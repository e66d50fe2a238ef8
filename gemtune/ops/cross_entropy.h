#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// How the losses of a classifier's rows are weighed. Tensors are read in the type of the computation and lie
/// on the logits' device; an undefined one is all ones.
struct ClassLossOptions {
  /// ε in [0, 1]: the target distribution is (1 − ε)·one-hot + ε / classes, as torch's cross_entropy.
  double label_smoothing = 0;
  /// [classes]: of a row of that class; for labels that are independent of each other, of the label where it
  /// applies, as torch's pos_weight.
  at::Tensor class_weights = {};
  /// γ of the focal loss, (1 − p)^γ times the loss, with p the probability of what is right (Lin et al. 2017,
  /// eq. 4).
  double focal_gamma = 0;
  at::Tensor row_weights = {};  // [N]
};

/// −Σ_i log softmax(logits_i)[targets_i], summed over rows (not averaged, because sums and counts add up over
/// micro batches), weighed as the options say: torch's cross_entropy. logits [N, classes] any float dtype,
/// read in fp32 (double for double); targets [N] int64. Scalar. Differentiable in logits.
at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& targets,
                           const ClassLossOptions& options = {});

/// −Σ_ic [y_ic log σ(logits_ic) + (1 − y_ic) log σ(−logits_ic)] of labels that are independent of each other,
/// y [N, classes] 0 or 1; the rest as above, without label smoothing: torch's
/// binary_cross_entropy_with_logits.
at::Tensor BinaryCrossEntropySum(const at::Tensor& logits, const at::Tensor& labels,
                                 const ClassLossOptions& options = {});

}  // namespace gemtune::ops
