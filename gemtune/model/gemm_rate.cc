#include "gemtune/model/gemm_rate.h"

#include <ATen/ATen.h>

#include "gemtune/base/stopwatch.h"

namespace gemtune::model {
namespace {

// The first product of a shape compiles it (oneDNN) and takes memory for the result.
double SecondsOf(const at::Tensor& a, const at::Tensor& b) {
  at::mm(a, b);
  const Stopwatch stopwatch;
  at::mm(a, b);
  return stopwatch.Seconds();
}

}  // namespace

GemmRate::GemmRate(const Gemma3TextConfig& config, at::ScalarType dtype) : dtype_(dtype) {
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
    return at::empty({rows, columns}, dtype_).uniform_(-1, 1);
  };
  for (const Shape& shape : shapes_) {
    const at::Tensor x = random(tokens, shape.in_features), dy = random(tokens, shape.out_features),
                     weight = random(shape.out_features, shape.in_features);
    forward_seconds_ += SecondsOf(x, weight.t());
    input_gradient_seconds_ += SecondsOf(dy, weight);
    weight_gradient_seconds_ += SecondsOf(dy.t(), x);
    flops_ += 2.0 * static_cast<double>(tokens * shape.in_features * shape.out_features);
  }
}

double GemmRate::FlopsPerSecond(const PassFlops& pass) const {
  const auto forward_flops = static_cast<double>(pass.forward),
             input_flops = static_cast<double>(pass.input_gradient),
             weight_flops = static_cast<double>(pass.weight_gradient);
  return (forward_flops + input_flops + weight_flops) /
         (forward_flops / forward() + input_flops / input_gradient() + weight_flops / weight_gradient());
}

}  // namespace gemtune::model
