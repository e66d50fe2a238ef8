#include "gemtune/train/step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gemtune/base/stopwatch.h"
#include "gemtune/ops/device.h"

namespace gemtune::train {

StepReport TakeStep(Trainable& task, AdamW& optimizer, const data::Dataset& train, const Window& window,
                    const StepOptions& options) {
  const Stopwatch whole;
  Stopwatch part;
  const auto lap = [&] {
    if (options.times_parts) ops::Synchronize(task.module().parameters().front().device());
    return part.Lap();
  };
  StepReport report{.step = options.step, .learning_rate = options.learning_rate};
  std::vector<data::PackedBatch> batches;
  double targets = 0;
  for (const std::vector<int64_t>& indices : window) {
    batches.push_back(data::Pack(train, indices));
    targets += task.TargetWeight(batches.back());
    report.tokens += batches.back().num_tokens();
  }
  if (targets == 0) targets = 1;  // every example has weight 0: there is nothing to learn, and no fault
  report.data_seconds = lap();
  std::vector<at::Tensor> losses;
  for (const data::PackedBatch& batch : batches) {
    optimizer.CatchUp(at::tensor(batch.ids, at::kLong));
    report.optimizer_seconds += lap();
    const at::Tensor loss = task.LossSum(batch) / targets;
    losses.push_back(loss.detach());
    report.forward_seconds += lap();
    loss.backward();
    report.backward_seconds += lap();
  }
  // Where a card works, this is the only place in a step that waits for it: all has been begun, and while it
  // takes the optimiser's step the next batch is prepared.
  report.grad_norm = optimizer.GradNorm();
  for (const at::Tensor& loss : losses) report.loss += loss.item<double>();
  report.is_skipped = !std::isfinite(report.loss) || !std::isfinite(report.grad_norm);
  if (!report.is_skipped) {
    // As torch's clip_grad_norm_, including the 1e-6.
    const double clip =
        options.max_grad_norm > 0 ? std::min(1.0, options.max_grad_norm / (report.grad_norm + 1e-6)) : 1.0;
    optimizer.Step(options.learning_rate, clip);
  }
  optimizer.ZeroGrad();
  report.optimizer_seconds += lap();
  report.seconds = whole.Seconds();
  return report;
}

}  // namespace gemtune::train
