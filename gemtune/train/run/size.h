#pragma once

#include <cstdint>
#include <functional>

#include "gemtune/data/dataset.h"
#include "gemtune/train/trainer.h"

namespace gemtune::train {

/// The size of a run, counted from the order of its data (EpochWindows) without training anything.
struct RunSize {
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  int64_t tokens = 0;          // of all steps
  int64_t pass_tokens = 0;     // of the forward pass with the most tokens
  int64_t pass_sequences = 0;  // of that pass
  int64_t pass_rows = 0;       // most rows of a pass, see TaskRow::count_rows
  int64_t passes_a_step = 0;   // at most
  int64_t distinct_tokens = 0;
  int64_t evaluations = 0;  // of validation data, if there are any
};

/// Epochs after the tenth are assumed to be like the first ten. `count_rows` is the task's. Throws Error as
/// Trainer does if there are no steps.
RunSize SizeOfRun(const data::Dataset& train, const TrainerOptions& options,
                  const std::function<int64_t(const data::Dataset& dataset, int64_t example)>& count_rows);

}  // namespace gemtune::train
