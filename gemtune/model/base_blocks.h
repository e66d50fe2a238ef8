#pragma once

#include <torch/nn/module.h>

#include "gemtune/io/checkpoint.h"
#include "gemtune/model/load_options.h"

namespace gemtune::model {

/// Throws Error for blocks that are to lie anywhere but on the host.
void CheckBaseWeights(const LoadOptions& options);

/// Makes the embedding and the linear modules of `trunk` hold blocks, on the device that they lie on (the
/// host, or Nowhere for their shapes alone); does nothing for kNumbers. Throws Error for blocks that cannot
/// be had of this checkpoint.
void KeepBaseBlocks(const io::Checkpoint& checkpoint, const torch::nn::Module& trunk,
                    BaseWeights base_weights);

}  // namespace gemtune::model
