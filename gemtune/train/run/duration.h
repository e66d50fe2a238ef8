#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "gemtune/cli/run_plan.h"
#include "gemtune/train/classification.h"

namespace gemtune::cli {

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

/// Takes three steps of the run, spread over its batches by length, after one to warm up on the largest. The
/// model is trained by that and of no further use.
StepTimes TimeSteps(train::Classification& task, const data::Dataset& train,
                    const train::TrainerOptions& trainer);

/// In proportion to tokens. What is measured without training costs the forward part; kept results of frozen
/// layers cost it once, and their share of it, by layers, is saved in every step.
RunDuration EstimateDuration(const StepTimes& times, const train::RunSize& size, int64_t kept_stages,
                             int64_t num_layers, const data::DataSplits& data);

/// The end of --dry-run: times the steps, says how long the run will take and what memory the steps took, and
/// prints the whole plan as JSON on standard output.
void PrintPlan(const RunPlan& plan, train::Classification& task, const data::DataSplits& data,
               const train::TrainerOptions& trainer, int64_t num_layers);

}  // namespace gemtune::cli
