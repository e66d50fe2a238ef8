#pragma once

#include "gemtune/train/run/run.h"

namespace gemtune::cli {

/// The last part of --dry-run; the run's model must be loaded. Times a few steps, logs how long the run will
/// take and how much memory the steps took, and prints the whole plan as JSON on standard output.
void PrintPlan(train::Run& run);

}  // namespace gemtune::cli
