#pragma once

#include <cstdint>
#include <memory>

namespace gemtune::model {

/// The number of the current training pass, shared by all parts of a model that draw random numbers. It is
/// part of the key of each mask and noise, so that a layer recomputed in the backward pass draws the same
/// numbers. The task increments it before each forward pass.
using PassCounter = std::shared_ptr<uint64_t>;

}  // namespace gemtune::model
