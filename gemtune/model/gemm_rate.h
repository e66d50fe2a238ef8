#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gemtune/model/config.h"
#include "gemtune/model/flops.h"
#include "gemtune/ops/device.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::model {

/// Measures how fast this machine multiplies matrices of the model's shapes, that is, the speed of a step
/// that did nothing else. It times the products of one layer's four weights (q/k/v joined, o, gate/up joined,
/// down) in their three forms, between the steps, so that other load on the machine slows both alike. It
/// times both ATen (at::mm, which others can reproduce) and ops/matmul.h, which the steps use.
class GemmRate {
 public:
  /// `dtype` of weights and rows: kFloat or kBFloat16; for ATen fp32 where the device widens bf16 to multiply
  /// it. `matmul_dtype` is how the steps multiply, as LinearOutput takes it.
  GemmRate(const Gemma3TextConfig& config, at::ScalarType dtype, const ops::Device& device,
           ops::MatmulDtype matmul_dtype = ops::MatmulDtype::kOperands);

  /// Computes each product over `tokens` rows, once to warm up and once timed, and adds the times to the
  /// sums.
  void Measure(int64_t tokens);

  /// FLOP/s for the three forms of product, weighted as in `pass`; requires at least one measurement.
  double AtenFlopsPerSecond(const PassFlops& pass) const { return FlopsPerSecond(aten_, pass); }
  double OwnFlopsPerSecond(const PassFlops& pass) const { return FlopsPerSecond(own_, pass); }

 private:
  struct Shape {
    int64_t in_features, out_features;
  };
  struct Seconds {
    double forward = 0, input_gradient = 0, weight_gradient = 0;
  };

  double FlopsPerSecond(const Seconds& seconds, const PassFlops& pass) const;

  std::vector<Shape> shapes_;
  at::ScalarType aten_dtype_, own_dtype_;
  ops::Device device_;
  ops::MatmulDtype matmul_dtype_;
  double flops_ = 0;  // of one form
  Seconds aten_, own_;
};

}  // namespace gemtune::model
