#pragma once

#include <cstdint>

#include "gemtune/data/data_check.h"
#include "gemtune/train/run/size.h"
#include "gemtune/train/trainable.h"

namespace gemtune::train {

/// Time of some optimiser steps.
struct StepTimes {
  int64_t tokens = 0;
  double forward_seconds = 0;
  double other_seconds = 0;
};

/// Seconds that a run will take.
struct RunDuration {
  double frozen_layers = 0;  // where their results are kept: computing them once
  double training = 0;
  double evaluation = 0;  // of validation data, all times, and of test data
  double total() const { return frozen_layers + training + evaluation; }
};

/// Takes three steps of the run, spread over its batches by length, after one to warm up on the largest. What
/// dropout has drawn meanwhile is not taken back, so that the task is of no further use.
StepTimes TimeSteps(Trainable& task, const data::Dataset& train, const TrainerOptions& trainer);

/// In proportion to tokens. What is measured without training costs the forward part; kept results of frozen
/// layers cost it once, and their share of it, by layers, is saved in every step.
RunDuration EstimateDuration(const StepTimes& times, const RunSize& size, int64_t kept_stages,
                             int64_t num_layers, const data::DataSplits& data);

}  // namespace gemtune::train
