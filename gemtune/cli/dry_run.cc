#include "gemtune/cli/dry_run.h"

#include <iostream>

#include "gemtune/base/log.h"
#include "gemtune/base/memory.h"
#include "gemtune/train/run/duration.h"

namespace gemtune::cli {

void PrintPlan(train::Run& run) {
  const train::RunPlan& plan = run.plan();
  const train::StepTimes times = train::TimeSteps(run.task(), *run.data().train, run.options().trainer);
  const train::RunDuration duration = train::EstimateDuration(
      times, plan.size(), plan.kept_stages(), run.task().trunk()->config().num_hidden_layers, run.data());
  const int64_t peak = PeakResidentBytes();
  log::Info("these steps took at most {:.2f} GB of memory", static_cast<double>(peak) / 1e9);
  log::Info("the run will take about {}: training {}, evaluation {}{}", train::Duration(duration.total()),
            train::Duration(duration.training), train::Duration(duration.evaluation),
            duration.frozen_layers > 0
                ? fmt::format(", frozen layers once {}", train::Duration(duration.frozen_layers))
                : "");
  nlohmann::ordered_json json = plan.ToJson();
  json["measured_peak_memory_bytes"] = peak;
  json["tokens_per_second"] =
      static_cast<double>(times.tokens) / (times.forward_seconds + times.other_seconds);
  json["seconds"] = {{"frozen_layers", duration.frozen_layers},
                     {"training", duration.training},
                     {"evaluation", duration.evaluation},
                     {"total", duration.total()}};
  std::cout << json.dump(2) << std::endl;
}

}  // namespace gemtune::cli
