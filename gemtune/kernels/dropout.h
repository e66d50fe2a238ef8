#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

/// Dropout (Srivastava et al. 2014) with inverted scaling, as torch.nn.functional.dropout: each number
/// becomes 0 with probability `rate`, else x / (1 − rate). Which numbers are dropped depends only on `key`
/// and their index, so a backward pass draws the same mask again instead of keeping it: 32 bits each of
/// SplitMix64 (Steele et al. 2014) at the state `key` + index. rate in [0, 1). y [n], overwritten; may be x.
/// Both fp32 or both bf16.
void Dropout(int64_t n, ConstFloats x, double rate, uint64_t key, Floats y);

/// Combines two keys into one; the results for different pairs are unrelated.
uint64_t DropoutKey(uint64_t key, uint64_t stream);

}  // namespace gemtune::kernels
