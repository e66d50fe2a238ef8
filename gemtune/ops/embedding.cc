#include "gemtune/ops/embedding.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

at::Tensor Rounded(double scale, const at::Tensor& like) {
  return at::scalar_tensor(scale, like.options()).to(at::kFloat);
}

struct ScaledEmbeddingFunction : torch::autograd::Function<ScaledEmbeddingFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& weight, const at::Tensor& ids,
                            double scale) {
    ctx->save_for_backward({weight, ids});
    ctx->saved_data["scale"] = scale;
    return at::embedding(weight, ids).to(at::kFloat).mul_(Rounded(scale, weight));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &weight = saved[0], &ids = saved[1];
    const auto [rows, row_of, counts] = at::_unique2(ids, /*sorted=*/true, /*return_inverse=*/true);
    at::Tensor sums = at::zeros({rows.size(0), weight.size(1)}, at::kFloat);
    sums.index_add_(0, row_of, grads[0]).mul_(Rounded(ctx->saved_data["scale"].toDouble(), weight));
    const at::Tensor grad =
        at::_sparse_coo_tensor_unsafe(rows.unsqueeze(0), sums.to(weight.scalar_type()), weight.sizes(),
                                      weight.options().layout(at::kSparse), /*is_coalesced=*/true);
    return {grad, Variable(), Variable()};
  }
};

}  // namespace

at::Tensor ScaledEmbedding(const at::Tensor& weight, const at::Tensor& ids, double scale) {
  if (HasKernels(weight)) return ScaledEmbeddingFunction::apply(weight, ids, scale);
  const at::ScalarType compute = ComputeType(weight.scalar_type());
  return at::embedding(weight, ids).to(compute) * at::scalar_tensor(scale, weight.options()).to(compute);
}

at::Tensor ScaledEmbedding(const BlockRows& table, const at::Tensor& ids, double scale,
                           at::ScalarType dtype) {
  const at::Tensor rows = ExpandRows(table, ids, dtype);
  return rows.to(at::kFloat).mul_(Rounded(scale, rows));
}

}  // namespace gemtune::ops
