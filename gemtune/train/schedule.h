#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gemtune::train {

/// How the learning rate goes over the run; names and curves are those of transformers.get_scheduler.
struct Schedule {
  std::string type = "linear";  // one of ScheduleTypes()
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  /// The factor on the peak learning rate for the optimiser step number `step`, counted from 0. During
  /// warm-up it is (step + 1) / warmup_steps: transformers starts from 0, which spends the first batch on a
  /// step of no length.
  double Factor(int64_t step, double peak_learning_rate) const;
};

/// linear, cosine, constant, constant_with_warmup, inverse_sqrt, polynomial.
const std::vector<std::string>& ScheduleTypes();

}  // namespace gemtune::train
