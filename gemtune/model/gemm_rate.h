#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gemtune/model/config.h"
#include "gemtune/model/flops.h"

namespace gemtune::model {

/// How fast this machine multiplies matrices of the model's own shapes: what a step could reach if it did
/// nothing else. The products of one layer's four weights (q/k/v joined, o, gate/up joined, down) in their
/// three forms, measured between the steps so that what else runs on the machine slows both alike; by ATen
/// (at::mm, the measure that others can repeat) and by ops/matmul.h, which the steps run on.
class GemmRate {
 public:
  /// `dtype`: of weights and rows, kFloat or kBFloat16.
  GemmRate(const Gemma3TextConfig& config, at::ScalarType dtype);

  /// Computes each product over `tokens` rows once to warm up and once more in time, and adds to the sums.
  void Measure(int64_t tokens);

  /// FLOP/s for the forms of product in `pass`, in their proportion; after at least one measurement.
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
  at::ScalarType dtype_;
  double flops_ = 0;  // of one form
  Seconds aten_, own_;
};

}  // namespace gemtune::model
