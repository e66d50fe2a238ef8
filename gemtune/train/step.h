#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/optim/adamw.h"
#include "gemtune/train/trainable.h"

namespace gemtune::train {

/// The batches of one optimiser step, each as indices of examples: more than one where gradients are
/// accumulated.
using Window = std::vector<std::vector<int64_t>>;

struct StepOptions {
  int64_t step = 1;  // counted from 1, for messages and the report
  double learning_rate = 0;
  double max_grad_norm = 1.0;  // 0: no clipping
  bool times_parts = false;  // wait for a card after each part, so that the report's parts are its times, too
};

/// One optimiser step: pack, loss, backward, clip, AdamW. The loss is the sum over the window's targets
/// divided by their number (Trainable::TargetWeight). Fills the whole report except the step's place in the
/// run (epoch and total_steps). A step whose loss or gradient is not finite is skipped: weights and optimiser
/// stay as they were.
StepReport TakeStep(Trainable& task, AdamW& optimizer, const data::Dataset& train, const Window& window,
                    const StepOptions& options);

}  // namespace gemtune::train
