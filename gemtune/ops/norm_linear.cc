#include "gemtune/ops/norm_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

#include "gemtune/ops/joined.h"
#include "gemtune/ops/projection_group.h"
#include "gemtune/ops/rms_norm.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct NormLinearFunction : torch::autograd::Function<NormLinearFunction> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& norm_weight,
                               at::TensorList tensors, double eps,
                               const c10::intrusive_ptr<ProjectionGroup>& group) {
    variable_list kept;
    const at::Tensor y = group->Forward(RmsNormOutput(x, norm_weight, eps), tensors, kept);
    ProjectionGroup::Save(ctx, group, {x, norm_weight}, tensors, kept);
    ctx->saved_data["eps"] = eps;
    return group->Split(y);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const ProjectionBackward pass(ctx, /*num_leading=*/2, JoinColumns(grads));
    const at::Tensor &x = pass.leading(0), &norm_weight = pass.leading(1);
    const double eps = ctx->saved_data["eps"].toDouble();
    variable_list result(2);
    if (ctx->needs_input_grad(0) || ctx->needs_input_grad(1)) {
      std::tie(result[0], result[1]) = RmsNormGradients(x, norm_weight, eps, pass.InputGradient());
    }
    pass.AppendGradients(pass.NeedsInput() ? RmsNormOutput(x, norm_weight, eps) : at::Tensor(), result);
    result.resize(result.size() + 2);  // eps, the group
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> NormLinear(const at::Tensor& x, const at::Tensor& norm_weight, double eps,
                                   const std::vector<Projection>& projections) {
  if (RmsNormHasKernel(x, norm_weight) && CanFuse(projections)) {
    return NormLinearFunction::apply(x.contiguous(), norm_weight,
                                     at::TensorList(ProjectionGroup::Tensors(projections)), eps,
                                     c10::make_intrusive<ProjectionGroup>(projections));
  }
  const at::Tensor normalised = RmsNorm(x, norm_weight, eps);
  std::vector<at::Tensor> results;
  results.reserve(projections.size());
  for (const Projection& projection : projections) results.push_back(ProjectByAten(normalised, projection));
  return results;
}

}  // namespace gemtune::ops
