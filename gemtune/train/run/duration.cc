#include "gemtune/train/run/duration.h"

#include <algorithm>

#include "gemtune/base/log.h"
#include "gemtune/train/run/windows.h"
#include "gemtune/train/step.h"

namespace gemtune::train {
namespace {

constexpr int64_t kTimedSteps = 3;

}  // namespace

StepTimes TimeSteps(Trainable& task, const data::Dataset& train, const TrainerOptions& trainer) {
  const std::vector<Window> windows =
      SpreadOverLengths(train, EpochWindows(train, trainer, /*epoch=*/0), kTimedSteps);
  AdamW optimizer(task.module(), trainer.adamw, task.sparse_gradients());
  task.module().train();
  StepTimes times;
  for (int64_t step = 0; step <= kTimedSteps; ++step) {
    const StepReport report = TakeStep(
        task, optimizer, train, windows[static_cast<size_t>(step)],
        {.step = step, .learning_rate = 0, .max_grad_norm = trainer.max_grad_norm, .times_parts = true});
    log::Info("{}  {} tokens  {:.2f} s", step == 0 ? "warm-up" : fmt::format("step {}/{}", step, kTimedSteps),
              report.tokens, report.seconds);
    if (step == 0) continue;
    times.tokens += report.tokens;
    times.forward_seconds += report.forward_seconds;
    times.other_seconds += report.seconds - report.forward_seconds;
  }
  return times;
}

RunDuration EstimateDuration(const StepTimes& times, const RunSize& size, int64_t kept_stages,
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

}  // namespace gemtune::train
