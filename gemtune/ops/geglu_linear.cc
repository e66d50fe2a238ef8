#include "gemtune/ops/geglu_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/base/error.h"
#include "gemtune/kernels/geglu.h"
#include "gemtune/ops/geglu.h"
#include "gemtune/ops/joined.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// gelu(gate) · up of the two side by side: [rows, 2 · width] → [rows, width].
at::Tensor Product(const at::Tensor& gate_up) {
  const int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
  at::Tensor y = at::empty({rows, width}, gate_up.options());
  kernels::GeGluForward(rows, width, ConstFloatsOf(gate_up), FloatsOf(y));
  return y;
}

struct GeGluLinearFunction : torch::autograd::Function<GeGluLinearFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate, const at::Tensor& up,
                            const at::Tensor& weight) {
    ctx->save_for_backward({gate, up, weight});
    return LinearOutput(Product(JoinColumns({gate, up}).contiguous()), weight);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &gate = saved[0], &weight = saved[2];
    const at::Tensor gate_up = JoinColumns({gate, saved[1]}).contiguous();
    const int64_t rows = gate.size(0), width = gate.size(1);
    const at::Tensor dout = grads[0].contiguous();
    if (!ctx->needs_input_grad(0) && !ctx->needs_input_grad(1)) {
      return {at::Tensor(), at::Tensor(), LinearWeightGradient(dout, Product(gate_up))};
    }
    const at::Tensor dy = LinearInputGradient(dout, weight);
    at::Tensor d_gate_up = at::empty({rows, 2 * width}, gate.options());
    // dy is read element by element before y takes its place.
    kernels::GeGluBackward(rows, width, ConstFloatsOf(gate_up), ConstFloatsOf(dy), FloatsOf(d_gate_up),
                           FloatsOf(dy));
    const auto d = SplitColumns(d_gate_up, {width, width});
    return {d[0], d[1], ctx->needs_input_grad(2) ? LinearWeightGradient(dout, dy) : at::Tensor()};
  }
};

}  // namespace

at::Tensor GeGluLinear(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& weight) {
  GEMTUNE_CHECK(gate.sizes() == up.sizes() && gate.dim() == 2);
  if (HasKernels(gate)) return GeGluLinearFunction::apply(gate, up, weight);
  return at::linear(GeGlu(gate, up), weight);
}

}  // namespace gemtune::ops
