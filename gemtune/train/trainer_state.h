#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

inline constexpr char kTrainerStateFile[] = "trainer_state.json";

/// The progress and measurements of a run: all that resuming needs besides the weights and the optimiser's
/// state.
struct TrainerState {
  int64_t steps = 0;             // optimiser steps done, including skipped ones
  int64_t skipped_steps = 0;     // their loss or gradient was not finite
  int64_t skipped_in_a_row = 0;  // at the end of the steps so far
  int64_t passes = 0;            // of the task, see Trainable::passes
  int64_t tokens = 0;
  double seconds = 0;     // of training steps alone
  double train_loss = 0;  // mean over all steps except skipped ones, like the next
  double loss_since_evaluation = 0;
  int64_t steps_since_evaluation = 0;
  int64_t evaluated_step = 0;            // of the last evaluation
  int64_t evaluations_without_gain = 0;  // in a row, as early_stopping_patience counts them
  double loss_since_logging = 0;         // of the steps since the last entry of log_history
  int64_t steps_since_logging = 0;
  nlohmann::ordered_json log_history = nlohmann::ordered_json::array();  // as transformers.TrainerState's
  Metrics best_metrics;  // of the validation set, for the best model; null if there is none
  int64_t best_step = 0;

  bool is_stopped = false;  // stopped early on request, with a checkpoint. Not in the JSON
};

/// Fields that mean the same as in transformers.TrainerState have its names.
nlohmann::ordered_json ToJson(const TrainerState& state);

/// A trainer_state.json that transformers.TrainerState.load_from_json reads: `frame`, which has transformers'
/// fields and no others, with the log_history of `state`; the rest of `state` lies in
/// stateful_callbacks.gemtune. OfTransformers gives `state` back, and what has no such part as it is.
nlohmann::ordered_json ForTransformers(nlohmann::ordered_json frame, nlohmann::ordered_json state);
nlohmann::ordered_json OfTransformers(const nlohmann::ordered_json& file);

/// Throws an Error naming `source` for a field that is missing, has another type, or a value that no run
/// writes.
TrainerState TrainerStateFromJson(const nlohmann::ordered_json& json, const std::string& source);

}  // namespace gemtune::train
