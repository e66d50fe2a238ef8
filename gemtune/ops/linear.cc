#include "gemtune/ops/linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight) {
    ctx->save_for_backward({x, weight});
    return LinearOutput(x, weight);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], dy = grads[0].contiguous();
    return {ctx->needs_input_grad(0) ? LinearInputGradient(dy, weight) : at::Tensor(),
            ctx->needs_input_grad(1) ? LinearWeightGradient(dy, x) : at::Tensor()};
  }
};

}  // namespace

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight) {
  if (HasKernels(x)) return LinearFunction::apply(x, weight);
  return at::linear(x, weight);
}

}  // namespace gemtune::ops
