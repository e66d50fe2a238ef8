#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

struct AdamWStepOptions {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double grad_scale = 1;  // a factor on the gradient: clipping without a separate pass
  int64_t step = 1;       // counted from 1, for the bias correction
};

struct AdamWState {
  float* parameter;             // [n] fp32, updated
  float* exp_avg;               // [n] first moment, updated
  float* exp_avg_sq;            // [n] second moment, updated
  BFloat16* rounded = nullptr;  // [n] the new parameter in bf16, if wanted
};

/// One AdamW step (Loshchilov & Hutter 2019, algorithm 2) as torch.optim.AdamW does it, over n elements:
/// p −= lr·λ·p; m += (1 − β1)(g − m); v = β2·v + (1 − β2)·g²; p −= lr/(1 − β1^t) · m / (√v/√(1 − β2^t) + ε).
void AdamWStep(int64_t n, ConstFloats grad, const AdamWState& state, const AdamWStepOptions& options);

/// Σ x² over n elements: partial sums in fp32, added in double, in a fixed order for the same number of
/// threads.
double SumOfSquares(int64_t n, ConstFloats x);

}  // namespace gemtune::kernels
