#include "gemtune/ops/cross_entropy.h"

#include <ATen/ATen.h>

#include <optional>

#include "gemtune/base/error.h"
#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {
namespace {

std::optional<at::Tensor> InTypeOf(const at::Tensor& numbers, const at::Tensor& weights) {
  if (!weights.defined()) return std::nullopt;
  return weights.to(numbers.scalar_type());
}

// (1 − p)^γ. Below γ = 1 its slope is infinite at p = 1, where the loss has none.
at::Tensor FocalFactor(const at::Tensor& log_p, double gamma) {
  constexpr double kLeast = 1e-12;
  return (-at::expm1(log_p)).clamp_min(kLeast).pow(gamma);
}

}  // namespace

at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& targets,
                           const ClassLossOptions& options) {
  const at::Tensor numbers = logits.to(ComputeType(logits.scalar_type()));
  const bool is_plain = options.focal_gamma == 0 && !options.row_weights.defined();
  at::Tensor losses = at::cross_entropy_loss(numbers, targets, InTypeOf(numbers, options.class_weights),
                                             is_plain ? at::Reduction::Sum : at::Reduction::None,
                                             /*ignore_index=*/-100, options.label_smoothing);
  if (is_plain) return losses;
  if (options.focal_gamma > 0) {
    const at::Tensor log_p = at::log_softmax(numbers, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1);
    losses = losses * FocalFactor(log_p, options.focal_gamma);
  }
  if (const auto weights = InTypeOf(numbers, options.row_weights)) losses = losses * *weights;
  return losses.sum();
}

at::Tensor BinaryCrossEntropySum(const at::Tensor& logits, const at::Tensor& labels,
                                 const ClassLossOptions& options) {
  GEMTUNE_CHECK(options.label_smoothing == 0);
  const at::Tensor numbers = logits.to(ComputeType(logits.scalar_type()));
  const at::Tensor targets = labels.to(numbers.scalar_type());
  const bool is_plain = options.focal_gamma == 0 && !options.row_weights.defined();
  at::Tensor losses =
      at::binary_cross_entropy_with_logits(numbers, targets, {}, InTypeOf(numbers, options.class_weights),
                                           is_plain ? at::Reduction::Sum : at::Reduction::None);
  if (is_plain) return losses;
  if (options.focal_gamma > 0)
    losses = losses * FocalFactor(at::log_sigmoid((2 * targets - 1) * numbers), options.focal_gamma);
  if (const auto weights = InTypeOf(numbers, options.row_weights)) losses = losses * weights->unsqueeze(-1);
  return losses.sum();
}

}  // namespace gemtune::ops
