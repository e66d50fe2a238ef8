#include "gemtune/model/gemm_rate.h"

#include <ATen/ATen.h>

#include "gemtune/base/stopwatch.h"

namespace gemtune::model {
namespace {

// The first product of a shape is slower: oneDNN compiles it, and the result's memory is allocated.
template <typename Product>
double SecondsOf(const ops::Device& device, Product&& product) {
  product();
  ops::Synchronize(device);
  const Stopwatch stopwatch;
  product();
  ops::Synchronize(device);
  return stopwatch.Seconds();
}

}  // namespace

GemmRate::GemmRate(const Gemma3TextConfig& config, at::ScalarType dtype, const ops::Device& device,
                   ops::MatmulDtype matmul_dtype)
    : aten_dtype_(ops::HasFastBFloat16(device) ? dtype : at::kFloat),
      own_dtype_(dtype),
      device_(device),
      matmul_dtype_(matmul_dtype) {
  const int64_t q_size = config.num_attention_heads * config.head_dim,
                kv_size = config.num_key_value_heads * config.head_dim;
  shapes_ = {{config.hidden_size, q_size + 2 * kv_size},
             {q_size, config.hidden_size},
             {config.hidden_size, 2 * config.intermediate_size},
             {config.intermediate_size, config.hidden_size}};
}

void GemmRate::Measure(int64_t tokens) {
  const at::NoGradGuard no_grad;
  const auto random = [&](int64_t rows, int64_t columns) {
    return at::empty({rows, columns}, at::TensorOptions(aten_dtype_).device(device_)).uniform_(-1, 1);
  };
  for (const Shape& shape : shapes_) {
    const at::Tensor x = random(tokens, shape.in_features), dy = random(tokens, shape.out_features),
                     weight = random(shape.out_features, shape.in_features);
    aten_.forward += SecondsOf(device_, [&] { at::mm(x, weight.t()); });
    aten_.input_gradient += SecondsOf(device_, [&] { at::mm(dy, weight); });
    aten_.weight_gradient += SecondsOf(device_, [&] { at::mm(dy.t(), x); });
    const at::Tensor own_x = x.to(own_dtype_), own_dy = dy.to(own_dtype_), own_weight = weight.to(own_dtype_);
    own_.forward += SecondsOf(device_, [&] { ops::LinearOutput(own_x, own_weight, matmul_dtype_); });
    own_.input_gradient +=
        SecondsOf(device_, [&] { ops::LinearInputGradient(own_dy, own_weight, matmul_dtype_); });
    own_.weight_gradient += SecondsOf(device_, [&] { ops::LinearWeightGradient(own_dy, own_x); });
    flops_ += 2.0 * static_cast<double>(tokens * shape.in_features * shape.out_features);
  }
}

double GemmRate::FlopsPerSecond(const Seconds& seconds, const PassFlops& pass) const {
  const auto forward = static_cast<double>(pass.forward),
             input_gradient = static_cast<double>(pass.input_gradient),
             weight_gradient = static_cast<double>(pass.weight_gradient);
  return (forward + input_gradient + weight_gradient) * flops_ /
         (forward * seconds.forward + input_gradient * seconds.input_gradient +
          weight_gradient * seconds.weight_gradient);
}

}  // namespace gemtune::model
