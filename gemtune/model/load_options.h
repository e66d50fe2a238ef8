#pragma once

#include <c10/core/ScalarType.h>

#include "gemtune/ops/device.h"

namespace gemtune::model {

/// What the trunk's embedding and the weights of its linear modules are held in. Blocks (ops::BlockRows) are
/// frozen and lie on the host; norms and the head are numbers always.
enum class BaseWeights {
  kNumbers,     // of the model's dtype
  kFileBlocks,  // the blocks of a GGUF file, mapped from it
  kQ8_0,        // Q8_0 blocks, which they are rounded to one tensor after the other (Checkpoint::ReadQ8_0)
};

/// How a model is held in memory.
struct LoadOptions {
  at::ScalarType dtype = at::kFloat;  // kFloat or kBFloat16
  ops::Device device = ops::Host();
  BaseWeights base_weights = BaseWeights::kNumbers;
};

}  // namespace gemtune::model
