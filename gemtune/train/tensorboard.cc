#include "gemtune/train/tensorboard.h"

#include <vector>

namespace gemtune::train {
namespace {

io::PrCurve CurveOf(const Metrics& json) {
  return {.true_positives = json["true_positives"].get<std::vector<int64_t>>(),
          .false_positives = json["false_positives"].get<std::vector<int64_t>>(),
          .positives = json["positives"].get<int64_t>(),
          .negatives = json["negatives"].get<int64_t>()};
}

}  // namespace

TensorBoardObserver::TensorBoardObserver(const Options& options)
    : options_(options), file_(options.directory) {}

void TensorBoardObserver::OnStart(const RunReport& run) {
  if (run.done_steps > 0) file_.Restart(run.done_steps + 1);
  file_.Text("args/text_summary", "```toml\n" + options_.run + "```");
}

void TensorBoardObserver::OnStep(const StepReport& step) {
  tokens_ += step.tokens;
  seconds_ += step.seconds;
  if (!step.is_skipped) {
    loss_ += step.loss;
    ++steps_;
  }
  if (step.step % options_.logging_steps != 0) return;
  if (const auto loss = Mean(loss_, steps_)) file_.Scalar("train/loss", step.step, *loss);
  file_.Scalar("train/grad_norm", step.step, step.grad_norm);
  file_.Scalar("train/learning_rate", step.step, step.learning_rate);
  file_.Scalar("train/epoch", step.step, step.epoch);
  file_.Scalar("train/tokens_per_second", step.step, static_cast<double>(tokens_) / seconds_);
  loss_ = seconds_ = 0;
  steps_ = tokens_ = 0;
}

void TensorBoardObserver::OnEvaluate(const EvaluationReport& evaluation) {
  for (const auto& [name, value] : evaluation.metrics.items()) {
    if (value.is_number()) file_.Scalar("eval/" + name, evaluation.step, value.get<double>());
  }
  file_.Scalar("eval/runtime", evaluation.step, evaluation.seconds);
  const auto curves = evaluation.metrics.find("pr_curves");
  if (curves == evaluation.metrics.end()) return;
  for (const auto& [name, curve] : curves->items())
    file_.AddPrCurve("pr/" + name, evaluation.step, CurveOf(curve));
}

}  // namespace gemtune::train
