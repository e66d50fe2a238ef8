#pragma once

#include <torch/nn/module.h>

#include "gemtune/io/checkpoint.h"
#include "gemtune/model/load_options.h"

namespace gemtune::model {

/// Makes the embedding and the linear modules of `trunk` hold blocks, on their device (Nowhere: shapes
/// alone); does nothing for kNumbers. Throws Error if this checkpoint cannot provide such blocks.
void KeepBaseBlocks(const io::Checkpoint& checkpoint, const torch::nn::Module& trunk,
                    BaseWeights base_weights);

}  // namespace gemtune::model
