#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/model/config.h"
#include "gemtune/model/flops.h"

namespace gemtune::model {

/// How fast this machine multiplies matrices of the model's own shapes: what a step could reach if it did
/// nothing else. ATen's product, at::mm, of one layer's four weights (q/k/v joined, o, gate/up joined, down)
/// in its three forms, measured between the steps so that what else runs on the machine slows both alike.
class GemmRate {
 public:
  /// `dtype`: of weights and rows, kFloat or kBFloat16.
  GemmRate(const Gemma3TextConfig& config, at::ScalarType dtype);

  /// Computes each product over `tokens` rows once to warm up and once more in time, and adds to the sums.
  void Measure(int64_t tokens);

  /// Of each form, over all measurements so far; at least one.
  double forward() const { return flops_ / forward_seconds_; }
  double input_gradient() const { return flops_ / input_gradient_seconds_; }
  double weight_gradient() const { return flops_ / weight_gradient_seconds_; }

  /// Of the products of `pass`: its forms in their proportion.
  double FlopsPerSecond(const PassFlops& pass) const;

 private:
  struct Shape {
    int64_t in_features, out_features;
  };

  std::vector<Shape> shapes_;
  at::ScalarType dtype_;
  double flops_ = 0;  // of one form
  double forward_seconds_ = 0, input_gradient_seconds_ = 0, weight_gradient_seconds_ = 0;
};

}  // namespace gemtune::model
