#include "gemtune/ops/projection.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "gemtune/ops/dropout.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/projection_group.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct ProjectFunction : torch::autograd::Function<ProjectFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, at::TensorList tensors,
                            const c10::intrusive_ptr<ProjectionGroup>& group) {
    variable_list kept;
    at::Tensor y = group->Forward(x, tensors, kept);
    ProjectionGroup::Save(ctx, group, {x}, tensors, kept);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const ProjectionBackward pass(ctx, /*num_leading=*/1, grads[0]);
    variable_list result = {ctx->needs_input_grad(0) ? pass.InputGradient() : at::Tensor()};
    pass.AppendGradients(pass.NeedsInput() ? pass.leading(0) : at::Tensor(), result);
    result.emplace_back();  // the group
    return result;
  }
};

at::Tensor Fused(const at::Tensor& x, const std::vector<Projection>& one) {
  return ProjectFunction::apply(x, at::TensorList(ProjectionGroup::Tensors(one)),
                                c10::make_intrusive<ProjectionGroup>(one));
}

// x·Wᵀ alone. ATen's product would keep the expanded weight for the backward pass.
at::Tensor TimesBlocks(const at::Tensor& x, const Projection& projection) {
  Projection plain(projection.weight);
  plain.block_type = projection.block_type;
  return Fused(x, {plain});
}

}  // namespace

MatmulWeight Projection::matmul_weight() const {
  if (!block_type) return weight;
  return MatmulWeight(std::vector<BlockRows>{{weight, *block_type}});
}

bool CanFuse(const std::vector<Projection>& projections) {
  return std::none_of(projections.begin(), projections.end(), [](const Projection& projection) {
    return projection.low_rank.gain.defined() && projection.low_rank.dropout > 0;
  });
}

at::Tensor ProjectByAten(const at::Tensor& x, const Projection& projection) {
  const LowRank& term = projection.low_rank;
  const auto times_weight = [&](const at::Tensor& rows) {
    return projection.block_type ? TimesBlocks(rows, projection) : at::linear(rows, projection.weight);
  };
  at::Tensor base = times_weight(x);
  if (!term.a.defined()) return base;
  const at::Tensor h = DropoutByAten(x, term.dropout, term.dropout_key);
  const at::Tensor added = at::linear(at::linear(h, term.a.to(x.scalar_type())), term.b.to(x.scalar_type()));
  if (!term.gain.defined()) return base + added * term.scaling;
  const at::Tensor base_of_h = term.dropout > 0 ? times_weight(h) : base;
  const at::Tensor directed = (base_of_h + added * term.scaling) * term.gain.to(x.scalar_type());
  return term.dropout > 0 ? base - base_of_h + directed : directed;
}

at::Tensor Project(const at::Tensor& x, const Projection& projection) {
  if (!HasKernels(x) || !CanFuse({projection})) return ProjectByAten(x, projection);
  return Fused(x, {projection});
}

}  // namespace gemtune::ops
