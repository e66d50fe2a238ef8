#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/ops/attention_cuda.h"
#include "gemtune/ops/cuda.h"

namespace gemtune::ops::cuda {
namespace {

using kernels::cuda::Kernels;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// FlashAttention takes the queries of a sequence for its last tokens. Where they are not, all tokens become
// queries, of zeros where there was none: what comes of those is not read, and gives no gradients.
class Queries {
 public:
  explicit Queries(const PackedLayout& layout) : layout_(layout), is_spread_(!layout.queries_are_last) {}

  at::Tensor Spread(const at::Tensor& x) const {
    if (!is_spread_) return x;
    at::Tensor all = at::zeros({layout_.num_tokens(), x.size(1), x.size(2)}, x.options());
    return all.index_copy_(0, layout_.rows, x);
  }
  at::Tensor Gather(const at::Tensor& x) const { return is_spread_ ? x.index_select(0, layout_.rows) : x; }

  FlashInput Input(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                   const AttentionOptions& options) const {
    return {.q = Spread(q),
            .k = k,
            .v = v,
            .cu_rows = is_spread_ ? layout_.cu_tokens_there : layout_.cu_rows_there,
            .cu_keys = layout_.cu_tokens_there,
            .most_rows = is_spread_ ? layout_.most_tokens() : layout_.most_rows(),
            .most_keys = layout_.most_tokens(),
            .scale = options.scale,
            .window = options.window};
  }

 private:
  const PackedLayout& layout_;
  const bool is_spread_;
};

// Turns `dy`, the gradient of the rotated x, into that of x at `dx`; returns the weight's.
at::Tensor RotateBack(const QkvSetting& setting, const at::Tensor& x, const at::Tensor& weight,
                      const at::Tensor& positions, const at::Tensor& dy, const at::Tensor& dx) {
  at::Tensor dw = at::empty_like(weight);
  const at::Tensor parts = WeightParts(weight.size(0), x);
  Call(&Kernels::NormRopeBackward, NormRopeShapeOf(x, weight.size(0), setting.eps, setting.rope, positions),
       ConstFloatsOf(x), x.stride(0), ConstFloatsOf(weight), ConstFloatsOf(dy), dy.stride(0), FloatsOf(dx),
       dx.stride(0), FloatsOf(dw), parts.data_ptr<float>());
  return dw;
}

struct CudaQkvAttentionFunction : torch::autograd::Function<CudaQkvAttentionFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& q_weight, const at::Tensor& k_weight,
                            const c10::intrusive_ptr<QkvSetting>& setting) {
    const int64_t head_dim = q_weight.size(0);
    const PackedLayout& layout = setting->layout;
    const at::Tensor rotated_q = Rotated(q, q_weight, setting->eps, setting->rope, layout.row_positions);
    const at::Tensor rotated_k = Rotated(k, k_weight, setting->eps, setting->rope, layout.positions);
    const Queries queries(layout);
    const FlashOutput output = LoadedCudaPlugin()->flash_forward(queries.Input(
        Heads(rotated_q, head_dim), Heads(rotated_k, head_dim), Heads(v, head_dim), setting->options));
    ctx->save_for_backward(
        {q, k, v, q_weight, k_weight, output.out, output.lse, output.rng_state, output.unused});
    ctx->saved_data["setting"] = c10::IValue::make_capsule(setting);
    return queries.Gather(output.out).flatten(1);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &q_weight = saved[3], &k_weight = saved[4];
    const FlashOutput output = {.out = saved[5], .lse = saved[6], .rng_state = saved[7], .unused = saved[8]};
    const auto capsule = ctx->saved_data["setting"].toCapsule();
    const auto& setting = static_cast<const QkvSetting&>(*capsule);
    const PackedLayout& layout = setting.layout;
    const int64_t head_dim = q_weight.size(0);
    const at::Tensor rotated_q = Rotated(q, q_weight, setting.eps, setting.rope, layout.row_positions);
    const at::Tensor rotated_k = Rotated(k, k_weight, setting.eps, setting.rope, layout.positions);
    const Queries queries(layout);
    const FlashInput input = queries.Input(Heads(rotated_q, head_dim), Heads(rotated_k, head_dim),
                                           Heads(v, head_dim), setting.options);
    const FlashGradients gradients = LoadedCudaPlugin()->flash_backward(
        input, output, queries.Spread(Heads(grads[0].contiguous(), head_dim)));
    // The gradients lie side by side, as the backward pass of the q/k/v product needs them; if q has fewer
    // rows, its gradient is separate.
    const bool together = q.size(0) == k.size(0);
    const int64_t k_begin = together ? q.size(1) : 0;
    const at::Tensor joined = at::empty({k.size(0), k_begin + k.size(1) + v.size(1)}, q.options());
    const at::Tensor dq = together ? joined.narrow(1, 0, q.size(1)) : at::empty(q.sizes(), q.options());
    const at::Tensor dk = joined.narrow(1, k_begin, k.size(1)),
                     dv = joined.narrow(1, k_begin + k.size(1), v.size(1));
    const at::Tensor dq_weight = RotateBack(setting, q, q_weight, layout.row_positions,
                                            queries.Gather(gradients.dq).flatten(1).contiguous(), dq);
    const at::Tensor dk_weight =
        RotateBack(setting, k, k_weight, layout.positions, gradients.dk.flatten(1).contiguous(), dk);
    dv.copy_(gradients.dv.flatten(1));
    return {dq, dk, dv, dq_weight, dk_weight, Variable()};
  }
};

}  // namespace

bool CanAttend(const at::Tensor& q, int64_t head_dim) {
  return Handles(q) && q.size(0) > 0 && q.scalar_type() == at::kBFloat16 && head_dim % 8 == 0 &&
         head_dim <= 256;
}

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options) {
  return CudaQkvAttentionFunction::apply(q, k, v, norm.q_weight, norm.k_weight,
                                         c10::make_intrusive<QkvSetting>(rope, layout, options, norm.eps));
}

}  // namespace gemtune::ops::cuda
