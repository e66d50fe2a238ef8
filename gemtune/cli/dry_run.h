#pragma once

#include "gemtune/train/run/run.h"

namespace gemtune::cli {

/// The end of --dry-run: times some steps of the run, whose model is loaded, says how long it will take and
/// what memory the steps took, and prints the whole plan as JSON on standard output.
void PrintPlan(train::Run& run);

}  // namespace gemtune::cli
