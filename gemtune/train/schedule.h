#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gemtune::train {

/// The course of the learning rate over the run; names and curves are those of transformers.get_scheduler.
struct Schedule {
  std::string type = "linear";  // one of ScheduleTypes()
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  /// The factor on the peak learning rate for optimiser step `step`, counted from 0. During warm-up it is
  /// (step + 1) / warmup_steps; transformers starts from 0, which wastes the first batch on a step of length
  /// zero.
  double Factor(int64_t step, double peak_learning_rate) const;
};

/// linear, cosine, constant, constant_with_warmup, inverse_sqrt, polynomial.
const std::vector<std::string>& ScheduleTypes();

}  // namespace gemtune::train
