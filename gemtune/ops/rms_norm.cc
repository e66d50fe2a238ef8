#include "gemtune/ops/rms_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/kernels/rms_norm.h"
#include "gemtune/ops/compute_type.h"
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
    at::Tensor sum = at::empty_like(residual);
    const int64_t dim = x.size(-1);
    kernels::AddRmsNormForward(x.numel() / dim, dim, residual.const_data_ptr<float>(), ConstFloatsOf(x),
                               ConstFloatsOf(weight), static_cast<float>(eps), sum.data_ptr<float>());
    return sum;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dsum = grads[0].contiguous();
    const int64_t dim = x.size(-1);
    at::Tensor dx = at::empty_like(x), dw = at::empty({dim}, at::kFloat);
    kernels::AddRmsNormBackward(x.numel() / dim, dim, ConstFloatsOf(x), ConstFloatsOf(weight),
                                static_cast<float>(ctx->saved_data["eps"].toDouble()),
                                dsum.const_data_ptr<float>(), FloatsOf(dx), dw.data_ptr<float>());
    return {dsum, dx, dw.to(weight.scalar_type()), Variable()};
  }
};

}  // namespace

at::Tensor RmsNormOutput(const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor y = at::empty(x.sizes(), weight.options());
  const int64_t dim = x.size(-1);
  kernels::RmsNormForward(x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
                          static_cast<float>(eps), FloatsOf(y));
  return y;
}

std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy) {
  at::Tensor dx = at::empty_like(x), dw = at::empty({x.size(-1)}, at::kFloat);
  const int64_t dim = x.size(-1);
  kernels::RmsNormBackward(x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
                           static_cast<float>(eps), ConstFloatsOf(dy), dx.data_ptr<float>(),
                           dw.data_ptr<float>());
  return {dx, dw.to(weight.scalar_type())};
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
