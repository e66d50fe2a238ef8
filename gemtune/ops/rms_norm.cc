#include "gemtune/ops/rms_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

at::Tensor Normalised(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::ScalarType compute = ComputeType(x.scalar_type());
  const at::Tensor wide = x.to(compute);
  return wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps) * (1.0 + weight.to(compute));
}

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, double eps) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["eps"] = eps;
    return RmsNormOutput(x, weight, eps);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto [dx, dw] =
        RmsNormGradients(saved[0], saved[1], ctx->saved_data["eps"].toDouble(), grads[0].contiguous());
    return {dx, dw, Variable()};
  }
};

struct AddRmsNormFunction : torch::autograd::Function<AddRmsNormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& residual, const at::Tensor& x,
                            const at::Tensor& weight, double eps) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["eps"] = eps;
    return Choose(x, cpu::AddRmsNorm, cuda::AddRmsNorm)(residual, x, weight, eps);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor dsum = grads[0].contiguous();
    const auto [dx, dw] = Choose(dsum, cpu::AddRmsNormGradients, cuda::AddRmsNormGradients)(
        saved[0], saved[1], ctx->saved_data["eps"].toDouble(), dsum);
    return {dsum, dx, dw, Variable()};
  }
};

}  // namespace

at::Tensor RmsNormOutput(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return Choose(x, cpu::RmsNorm, cuda::RmsNorm)(x, weight, eps);
}

std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy) {
  return Choose(x, cpu::RmsNormGradients, cuda::RmsNormGradients)(x, weight, eps, dy);
}

bool RmsNormHasKernel(const at::Tensor& x, const at::Tensor& weight) {
  return HasKernels(x) && HasKernels(weight) && x.scalar_type() == at::kFloat;
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (RmsNormHasKernel(x, weight)) return RmsNormFunction::apply(x.contiguous(), weight, eps);
  return Normalised(x, weight, eps).to(weight.scalar_type());
}

at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (RmsNormHasKernel(residual, weight) && x.scalar_type() == weight.scalar_type()) {
    return AddRmsNormFunction::apply(residual.contiguous(), x.contiguous(), weight, eps);
  }
  return (residual + Normalised(x, weight, eps)).to(residual.scalar_type());
}

}  // namespace gemtune::ops
