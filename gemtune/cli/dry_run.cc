#include "gemtune/cli/dry_run.h"

#include <algorithm>
#include <iostream>

#include "gemtune/base/log.h"
#include "gemtune/cli/bench.h"
#include "gemtune/train/step.h"

namespace gemtune::cli {
namespace {

constexpr int64_t kTimedSteps = 3;

}  // namespace

StepTimes TimeSteps(train::Classification& task, const data::Dataset& train,
                    const train::TrainerOptions& trainer) {
  const std::vector<train::Window> windows =
      SpreadOverLengths(train, train::EpochWindows(train, trainer, /*epoch=*/0), kTimedSteps);
  train::AdamW optimizer(task.module(), trainer.adamw, task.sparse_gradients());
  task.module().train();
  StepTimes times;
  for (int64_t step = 0; step <= kTimedSteps; ++step) {
    const train::StepReport report =
        train::TakeStep(task, optimizer, train, windows[static_cast<size_t>(step)],
                        {.step = step, .learning_rate = 0, .max_grad_norm = trainer.max_grad_norm});
    log::Info("{}  {} tokens  {:.2f} s", step == 0 ? "warm-up" : fmt::format("step {}/{}", step, kTimedSteps),
              report.tokens, report.seconds);
    if (step == 0) continue;
    times.tokens += report.tokens;
    times.forward_seconds += report.forward_seconds;
    times.other_seconds += report.seconds - report.forward_seconds;
  }
  return times;
}

RunDuration EstimateDuration(const StepTimes& times, const train::RunSize& size, int64_t kept_stages,
                             int64_t num_layers, const data::DataSplits& data) {
  const auto tokens_of = [](const data::Dataset* dataset) {
    return dataset == nullptr ? 0.0 : static_cast<double>(dataset->tokens());
  };
  const double forward = times.forward_seconds / static_cast<double>(times.tokens),
               other = times.other_seconds / static_cast<double>(times.tokens);
  const int64_t kept_layers = std::clamp<int64_t>(kept_stages - 1, 0, num_layers);
  const double kept_forward = forward * static_cast<double>(kept_layers) / static_cast<double>(num_layers),
               validation = tokens_of(data.validation), evaluations = static_cast<double>(size.evaluations);
  return {.frozen_layers = kept_forward * (tokens_of(data.train) + validation),
          .training = (forward - kept_forward + other) * static_cast<double>(size.tokens),
          .evaluation = (forward - kept_forward) * validation * evaluations + forward * tokens_of(data.test)};
}

void PrintPlan(const RunPlan& plan, train::Classification& task, const data::DataSplits& data,
               const train::TrainerOptions& trainer, int64_t num_layers) {
  const StepTimes times = TimeSteps(task, *data.train, trainer);
  const RunDuration duration = EstimateDuration(times, plan.size(), plan.kept_stages(), num_layers, data);
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
