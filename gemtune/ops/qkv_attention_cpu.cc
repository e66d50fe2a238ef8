#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>

#include "gemtune/ops/attention_cpu.h"
#include "gemtune/ops/cpu.h"

namespace gemtune::ops::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

kernels::AttentionShape ShapeOf(const QkvSetting& setting, int64_t heads, int64_t kv_heads,
                                int64_t head_dim) {
  return AttentionShapeOf(setting.layout, setting.options, heads, kv_heads, head_dim);
}

// Turns `dy`, the gradient of the rotated x, into that of x in place; returns the weight's.
at::Tensor RotateBack(const QkvSetting& setting, const at::Tensor& x, const at::Tensor& weight,
                      const at::Tensor& positions, const at::Tensor& dy) {
  at::Tensor dw = at::empty({weight.size(0)}, at::kFloat);
  kernels::NormRopeBackward(NormRopeShapeOf(x, weight.size(0), setting.eps, setting.rope, positions),
                            ConstFloatsOf(x), x.stride(0), ConstFloatsOf(weight), ConstFloatsOf(dy),
                            dy.stride(0), FloatsOf(dy), dy.stride(0), dw.data_ptr<float>());
  return dw.to(weight.scalar_type());
}

struct QkvAttentionFunction : torch::autograd::Function<QkvAttentionFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& q_weight, const at::Tensor& k_weight,
                            const c10::intrusive_ptr<QkvSetting>& setting) {
    const int64_t head_dim = q_weight.size(0), heads = q.size(1) / head_dim, kv_heads = k.size(1) / head_dim;
    const at::Tensor rotated_q =
        Rotated(q, q_weight, setting->eps, setting->rope, setting->layout.row_positions);
    const at::Tensor rotated_k = Rotated(k, k_weight, setting->eps, setting->rope, setting->layout.positions);
    at::Tensor out = at::empty(q.sizes(), q.options()), lse = at::empty({q.size(0), heads}, at::kFloat);
    kernels::AttentionForward(ShapeOf(*setting, heads, kv_heads, head_dim), ConstRowsOf(rotated_q),
                              ConstRowsOf(rotated_k), ConstRowsOf(v), RowsOf(out), lse.data_ptr<float>());
    ctx->save_for_backward({q, k, v, q_weight, k_weight, out, lse});
    ctx->saved_data["setting"] = c10::IValue::make_capsule(setting);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &q_weight = saved[3], &k_weight = saved[4],
                     &out = saved[5], &lse = saved[6];
    const auto capsule = ctx->saved_data["setting"].toCapsule();
    const auto& setting = static_cast<const QkvSetting&>(*capsule);
    const int64_t head_dim = q_weight.size(0), heads = q.size(1) / head_dim, kv_heads = k.size(1) / head_dim;
    const at::Tensor rotated_q =
        Rotated(q, q_weight, setting.eps, setting.rope, setting.layout.row_positions);
    const at::Tensor rotated_k = Rotated(k, k_weight, setting.eps, setting.rope, setting.layout.positions);
    // The gradients are side by side, as the backward pass of the q/k/v product needs them; if q has fewer
    // rows, its gradient is separate.
    const bool together = q.size(0) == k.size(0);
    const at::Tensor joined =
        at::empty({k.size(0), k.size(1) + v.size(1) + (together ? q.size(1) : 0)}, q.options());
    const int64_t k_begin = together ? q.size(1) : 0;
    const at::Tensor dq = together ? joined.narrow(1, 0, q.size(1)) : at::empty(q.sizes(), q.options());
    const at::Tensor dk = joined.narrow(1, k_begin, k.size(1)),
                     dv = joined.narrow(1, k_begin + k.size(1), v.size(1));
    kernels::AttentionBackward(ShapeOf(setting, heads, kv_heads, head_dim), ConstRowsOf(rotated_q),
                               ConstRowsOf(rotated_k), ConstRowsOf(v), ConstRowsOf(out),
                               lse.const_data_ptr<float>(), ConstRowsOf(grads[0].contiguous()), RowsOf(dq),
                               RowsOf(dk), RowsOf(dv));
    const at::Tensor dq_weight = RotateBack(setting, q, q_weight, setting.layout.row_positions, dq);
    const at::Tensor dk_weight = RotateBack(setting, k, k_weight, setting.layout.positions, dk);
    return {dq, dk, dv, dq_weight, dk_weight, Variable()};
  }
};

}  // namespace

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options) {
  return QkvAttentionFunction::apply(q, k, v, norm.q_weight, norm.k_weight,
                                     c10::make_intrusive<QkvSetting>(rope, layout, options, norm.eps));
}

}  // namespace gemtune::ops::cpu
