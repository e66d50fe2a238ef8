#include "gemtune/train/tasks/task.h"

#include <algorithm>

#include "gemtune/base/error.h"

namespace gemtune::train {

int64_t Task::passes() const {
  const model::PassCounter& counter = pretrained_->pass_counter;
  return counter == nullptr ? 0 : static_cast<int64_t>(*counter);
}

void Task::set_passes(int64_t passes) {
  const model::PassCounter& counter = pretrained_->pass_counter;
  if (counter != nullptr) *counter = static_cast<uint64_t>(passes);
}

Task::Explained Task::ExplainText(Explain, std::span<const int32_t>, const infer::ExplainOptions&) {
  Fail("`explain` is for models that judge texts");
}

Metrics Task::FitDecisions(const data::Dataset&) {
  return nullptr;
}

std::vector<Task::Answer> Task::WriteAnswers(const data::Dataset&, int64_t, int64_t) {
  return {};
}

int64_t Task::KeepFrozenStates(const data::Dataset& train, const data::Dataset* validation,
                               const infer::FrozenStatesOptions& options) {
  kept_stages_ = trunk()->FrozenStages();
  module().eval();
  infer::FrozenStatesOptions rest = options;
  int64_t bytes = 0;
  for (const data::Dataset* dataset : {&train, validation}) {
    if (dataset == nullptr) continue;
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < dataset->size(); ++i) rows.push_back(StateRows(kept_stages_, *dataset, i));
    kept_.emplace_back(
        *dataset, rows, [&](const data::PackedBatch& batch) { return StatesBefore(kept_stages_, batch); },
        rest);
    rest.max_memory_bytes -= kept_.back().bytes();
    bytes += kept_.back().bytes();
  }
  return bytes;
}

at::Tensor Task::TrainingOutputs(const data::PackedBatch& batch) {
  const model::PassCounter& counter = pretrained_->pass_counter;
  if (counter != nullptr) ++*counter;
  return kept_.empty() ? Outputs(batch) : OutputsOfStates(kept_stages_, kept_.front().States(batch), batch);
}

std::function<at::Tensor(const data::PackedBatch&)> Task::OutputsOn(const data::Dataset& dataset) {
  module().eval();
  const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const infer::FrozenStates& states) {
    return &states.dataset() == &dataset;
  });
  if (kept == kept_.end()) return [this](const data::PackedBatch& batch) { return Outputs(batch); };
  return [this, &states = *kept](const data::PackedBatch& batch) {
    return OutputsOfStates(kept_stages_, states.States(batch), batch);
  };
}

}  // namespace gemtune::train
