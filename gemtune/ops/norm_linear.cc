#include "gemtune/ops/norm_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <tuple>

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
    size_t trained = 0;
    for (size_t i = 0; i < weights.size(); ++i) trained += ctx->needs_input_grad(2 + i);
    const at::Tensor normalised = trained > 0 ? RmsNormOutput(x, norm_weight, eps) : at::Tensor();
    if (trained == weights.size()) {
      const auto parts = LinearWeightGradient(dy, normalised).split_with_sizes(Heights(weights), 0);
      std::copy(parts.begin(), parts.end(), result.begin() + 3);
    } else {
      for (size_t i = 0; i < weights.size(); ++i) {
        if (ctx->needs_input_grad(2 + i))
          result[3 + i] = LinearWeightGradient(grads[i].contiguous(), normalised);
      }
    }
    if (ctx->needs_input_grad(0) || ctx->needs_input_grad(1)) {
      std::tie(result[0], result[1]) =
          RmsNormGradients(x, norm_weight, eps, LinearInputGradient(dy, JoinRows(weights)));
    }
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
