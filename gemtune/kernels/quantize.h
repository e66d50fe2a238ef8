#pragma once

#include <cstddef>
#include <cstdint>

#include "gemtune/kernels/quant.h"

namespace gemtune::kernels {

/// Rounds numbers to a storage type of GGUF files.
///
/// values [elements] → blocks, overwritten; `elements` is a multiple of the block. Bitwise equal to what
/// llama.cpp writes on x86: ggml's quantize_row_<type>_ref, for Q4_0, Q5_0 and Q8_0 also gguf.quants.quantize
/// (Q4_0 and Q5_0 but for ties that a fused multiply-add, which gguf emulates, rounds otherwise). Q5_K is not
/// written.
///   F16, BF16:   to nearest, ties to even
///   Q8_0:        d = max |x| / 127, q = x · (1 / d) to nearest, halves away from zero; then d to a half
///   Q4_0, Q5_0:  d = x / −8 (−16) of the x with the largest |x|, q = ⌊x · (1 / d) + 8.5 (16.5)⌋
///   Q4_K, Q6_K:  d and dmin that a search finds to give the smallest weighted square of errors
///
/// Returns false, with undefined blocks, if a number is not finite (which ggml would write or abort on), or
/// so large that it, or its block's d, does not fit the type.
bool Quantize(BlockType type, const float* values, int64_t elements, std::byte* blocks);

}  // namespace gemtune::kernels
