#pragma once

#include <cstdint>

#include "gemtune/data/data_check.h"
#include "gemtune/train/run/size.h"
#include "gemtune/train/trainable.h"

namespace gemtune::train {

/// Times of a few optimiser steps.
struct StepTimes {
  int64_t tokens = 0;
  double forward_seconds = 0;
  double other_seconds = 0;
};

/// Seconds that a run will take.
struct RunDuration {
  double frozen_layers = 0;  // computing them once, if their results are kept
  double training = 0;
  double evaluation = 0;  // all evaluations of validation and test data
  double total() const { return frozen_layers + training + evaluation; }
};

/// Times three steps, spread over the run's batches by length, after a warm-up step on the largest. It
/// advances the state of dropout, so the task must not be used afterwards.
StepTimes TimeSteps(Trainable& task, const data::Dataset& train, const TrainerOptions& trainer);

/// Scales the measured times by tokens. Evaluation costs the forward part only. If the results of frozen
/// layers are kept, computing them costs the forward part once, and each step saves their share of it (by
/// number of layers).
RunDuration EstimateDuration(const StepTimes& times, const RunSize& size, int64_t kept_stages,
                             int64_t num_layers, const data::DataSplits& data);

}  // namespace gemtune::train
