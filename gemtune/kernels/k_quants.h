#pragma once

#include <cstddef>

namespace gemtune::kernels {

/// values [256] → one block of the type, see Quantize. Equal to quantize_row_q4_K_ref and
/// quantize_row_q6_K_ref of https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
bool ToBlockQ4_K(const float* values, std::byte* block);
bool ToBlockQ6_K(const float* values, std::byte* block);

}  // namespace gemtune::kernels
