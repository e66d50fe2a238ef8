#include "gemtune/ops/embedding.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

double Rounded(double scale, at::ScalarType dtype) {
  return at::scalar_tensor(scale, dtype).item<double>();
}

struct ScaledEmbeddingFunction : torch::autograd::Function<ScaledEmbeddingFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& weight, const at::Tensor& ids,
                            double scale) {
    ctx->save_for_backward({weight, ids});
    ctx->saved_data["scale"] = scale;
    if (cuda::Handles(weight)) {
      return cuda::Embedding(weight, Upload(ids, weight.device()), Rounded(scale, weight.scalar_type()));
    }
    return at::embedding(weight, ids).to(at::kFloat).mul_(Rounded(scale, weight.scalar_type()));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &weight = saved[0], &ids = saved[1];
    const double factor = Rounded(ctx->saved_data["scale"].toDouble(), weight.scalar_type());
    if (cuda::Handles(weight)) {
      return {cuda::EmbeddingGradient(weight, ids.to(Host()), factor, grads[0].contiguous()), Variable(),
              Variable()};
    }
    const auto [rows, row_of, counts] = at::_unique2(ids, /*sorted=*/true, /*return_inverse=*/true);
    at::Tensor sums = at::zeros({rows.size(0), weight.size(1)}, at::kFloat);
    sums.index_add_(0, row_of, grads[0]).mul_(factor);
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
  return at::embedding(weight, Upload(ids, weight.device())).to(compute) *
         Rounded(scale, weight.scalar_type());
}

at::Tensor ScaledEmbedding(const BlockRows& table, const at::Tensor& ids, double scale,
                           at::ScalarType dtype) {
  const at::Tensor rows = ExpandRows(table, ids, dtype);
  return rows.to(at::kFloat).mul_(Rounded(scale, rows.scalar_type()));
}

}  // namespace gemtune::ops
