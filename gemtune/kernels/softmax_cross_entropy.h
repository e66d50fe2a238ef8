#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

// Cross entropy of rows of logits, long ones, as over a vocabulary: log Σ_j exp(x_j) − x_target. logits
// [rows, columns] fp32 or bf16; targets [rows] in [0, columns). Computed in fp32. A row with a NaN or an
// infinity above has the loss NaN.

/// losses [rows] and is_correct [rows] (1: the target is the first of the largest logits) overwritten.
void SoftmaxLosses(int64_t rows, int64_t columns, ConstFloats logits, const int64_t* targets, float* losses,
                   uint8_t* is_correct);

/// The losses, and in place of the logits their gradients, softmax(x) − one-hot(target), rounded once.
void SoftmaxGradients(int64_t rows, int64_t columns, Floats logits, const int64_t* targets, float* losses);

}  // namespace gemtune::kernels
