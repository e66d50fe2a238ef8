#include "gemtune/ops/geglu_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/base/error.h"
#include "gemtune/kernels/geglu.h"
#include "gemtune/ops/geglu.h"
#include "gemtune/ops/joined.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/projection_group.h"

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
                            at::TensorList tensors, const c10::intrusive_ptr<ProjectionGroup>& group) {
    variable_list kept;
    at::Tensor y = group->Forward(Product(JoinColumns({gate, up}).contiguous()), tensors, kept);
    ProjectionGroup::Save(ctx, group, {gate, up}, tensors, kept);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const ProjectionBackward pass(ctx, /*num_leading=*/2, grads[0]);
    const at::Tensor& gate = pass.leading(0);
    const at::Tensor gate_up = JoinColumns({gate, pass.leading(1)}).contiguous();
    const int64_t rows = gate.size(0), width = gate.size(1);
    if (!ctx->needs_input_grad(0) && !ctx->needs_input_grad(1)) {
      variable_list result(2);
      pass.AppendGradients(Product(gate_up), result);
      result.emplace_back();  // the group
      return result;
    }
    const at::Tensor d_product = pass.InputGradient();
    at::Tensor d_gate_up = at::empty({rows, 2 * width}, gate.options());
    // d_product is read element by element before the product takes its place.
    kernels::GeGluBackward(rows, width, ConstFloatsOf(gate_up), ConstFloatsOf(d_product), FloatsOf(d_gate_up),
                           FloatsOf(d_product));
    variable_list result = SplitColumns(d_gate_up, {width, width});
    pass.AppendGradients(d_product, result);
    result.emplace_back();  // the group
    return result;
  }
};

}  // namespace

at::Tensor GeGluLinear(const at::Tensor& gate, const at::Tensor& up, const Projection& projection) {
  GEMTUNE_CHECK(gate.sizes() == up.sizes() && gate.dim() == 2);
  if (!HasKernels(gate) || !CanFuse({projection})) return ProjectByAten(GeGlu(gate, up), projection);
  const std::vector<Projection> one = {projection};
  return GeGluLinearFunction::apply(gate, up, at::TensorList(ProjectionGroup::Tensors(one)),
                                    c10::make_intrusive<ProjectionGroup>(one));
}

}  // namespace gemtune::ops
