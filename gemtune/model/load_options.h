#pragma once

#include <c10/core/ScalarType.h>

#include "gemtune/ops/device.h"

namespace gemtune::model {

/// The format in which the trunk's embedding and linear weights are held. Blocks (ops::BlockRows) are frozen
/// and on the host; norms and the head are always plain numbers.
enum class BaseWeights {
  kNumbers,     // of the model's dtype
  kFileBlocks,  // the blocks of a GGUF file, mapped from it
  kQ8_0,        // Q8_0 blocks; weights are rounded to them one tensor at a time (Checkpoint::ReadQ8_0)
};

/// How a model is held in memory.
struct LoadOptions {
  at::ScalarType dtype = at::kFloat;  // kFloat or kBFloat16
  ops::Device device = ops::Host();
  BaseWeights base_weights = BaseWeights::kNumbers;
};

}  // namespace gemtune::model
