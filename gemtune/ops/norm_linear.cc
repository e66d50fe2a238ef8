#include "gemtune/ops/norm_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "gemtune/ops/joined.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/ops/rms_norm.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

std::vector<int64_t> Heights(at::TensorList weights) {
  std::vector<int64_t> heights;
  for (const at::Tensor& weight : weights) heights.push_back(weight.size(0));
  return heights;
}

struct NormLinearFunction : torch::autograd::Function<NormLinearFunction> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& norm_weight,
                               double eps, at::TensorList weights) {
    variable_list saved = {x, norm_weight};
    saved.insert(saved.end(), weights.begin(), weights.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["eps"] = eps;
    return SplitColumns(LinearOutput(RmsNormOutput(x, norm_weight, eps), JoinRows(weights)),
                        Heights(weights));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &norm_weight = saved[1];
    const at::TensorList weights = at::TensorList(saved).slice(2);
    const double eps = ctx->saved_data["eps"].toDouble();
    const at::Tensor dy = JoinColumns(grads);
    variable_list result(3 + weights.size());
    // Inputs are numbered as tensors only (x, the norm's weight, the weights); gradients are returned for
    // every argument.
    bool trains_weights = false;
    for (size_t i = 0; i < weights.size(); ++i)
      trains_weights = trains_weights || ctx->needs_input_grad(2 + i);
    if (trains_weights) {
      const at::Tensor dw = LinearWeightGradient(dy, RmsNormOutput(x, norm_weight, eps));
      const auto parts = dw.split_with_sizes(Heights(weights), 0);
      std::copy(parts.begin(), parts.end(), result.begin() + 3);
    }
    const auto [dx, dnorm] =
        RmsNormGradients(x, norm_weight, eps, LinearInputGradient(dy, JoinRows(weights)));
    result[0] = dx;
    result[1] = dnorm;
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> NormLinear(const at::Tensor& x, const at::Tensor& norm_weight, double eps,
                                   const std::vector<at::Tensor>& weights) {
  if (RmsNormHasKernel(x, norm_weight))
    return NormLinearFunction::apply(x.contiguous(), norm_weight, eps, at::TensorList(weights));
  const at::Tensor normalised = RmsNorm(x, norm_weight, eps);
  std::vector<at::Tensor> results;
  for (const at::Tensor& weight : weights) results.push_back(at::linear(normalised, weight));
  return results;
}

}  // namespace gemtune::ops
