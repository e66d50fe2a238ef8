#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

// GeGLU (Shazeer 2020) with gelu's tanh form, on the output of one product: gate_up [rows, 2·width] holds the
// gate in its first `width` columns and up in the rest. gelu(x) = x · σ(2c(x + 0.044715·x³)), c = √(2/π).
// Computed in fp32 and rounded once. All arrays of a call are fp32 or all are bf16.

/// y = gelu(gate) · up. y [rows, width].
void GeGluForward(int64_t rows, int64_t width, ConstFloats gate_up, Floats y);

/// Gradients: d_gate = dy · up · gelu'(gate), d_up = dy · gelu(gate), and y itself again, which the weight
/// gradient of the next product needs. dy [rows, width]; d_gate_up [rows, 2·width] and y [rows, width]
/// overwritten; y may be dy.
void GeGluBackward(int64_t rows, int64_t width, ConstFloats gate_up, ConstFloats dy, Floats d_gate_up,
                   Floats y);

}  // namespace gemtune::kernels
