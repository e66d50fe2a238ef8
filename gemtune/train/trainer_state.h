#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

/// Where a run stands and what it has measured so far: all that it is to go on with, beside the weights and
/// the optimiser's state.
struct TrainerState {
  int64_t steps = 0;             // optimiser steps done, the skipped ones included
  int64_t skipped_steps = 0;     // their loss or gradient was not finite
  int64_t skipped_in_a_row = 0;  // the last so many
  int64_t passes = 0;            // of the task, see Trainable::passes
  int64_t tokens = 0;
  double seconds = 0;     // of training steps alone
  double train_loss = 0;  // mean over all steps but the skipped ones, as the next
  double loss_since_evaluation = 0;
  int64_t steps_since_evaluation = 0;
  int64_t evaluated_step = 0;  // of the last evaluation
  Metrics best_metrics;        // of the validation set, for the model that was kept; null without one
  int64_t best_step = 0;

  bool is_stopped = false;  // asked to end before the end, in a checkpoint. Not in the JSON
};

/// The names are those of transformers.TrainerState where the meanings are.
nlohmann::ordered_json ToJson(const TrainerState& state);

/// Throws Error naming `source` for what is missing, of another type, or not what a run writes.
TrainerState TrainerStateFromJson(const nlohmann::ordered_json& json, const std::string& source);

}  // namespace gemtune::train
