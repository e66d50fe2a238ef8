#include "gemtune/ops/geglu_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/geglu.h"
#include "gemtune/ops/joined.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/projection_group.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor Product(const at::Tensor& gate_up) {
  return Choose(gate_up, cpu::GeGlu, cuda::GeGlu)(gate_up);
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
    if (!ctx->needs_input_grad(0) && !ctx->needs_input_grad(1)) {
      variable_list result(2);
      pass.AppendGradients(Product(gate_up), result);
      result.emplace_back();  // the group
      return result;
    }
    const at::Tensor product = pass.InputGradient();  // its gradient, for now
    const at::Tensor d_gate_up = Choose(gate_up, cpu::GeGluGradient, cuda::GeGluGradient)(gate_up, product);
    variable_list result = SplitColumns(d_gate_up, {gate.size(1), gate.size(1)});
    pass.AppendGradients(product, result);
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
