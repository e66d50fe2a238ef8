#include "gemtune/cli/model_options.h"

#include <algorithm>

#include "gemtune/model/native_dtype.h"

namespace gemtune::cli {

void ModelOptions::Declare(OptionSet& options) {
  options.Group("Model");
  options.Add("--model", model, "Directory of a fine-tuned model or of an adapter", {.required = true});
  AddBaseModel(options, base_model);
}

void ModelOptions::DeclareMachine(OptionSet& options) {
  machine.Declare(options);
  options.Add("--batch-tokens", batch_tokens, "Tokens per forward pass", {.min = 1, .max = 1 << 24});
}

std::unique_ptr<train::Task> ModelOptions::Open(std::function<void(int64_t, int64_t)> progress,
                                                const std::string& task_name,
                                                train::TaskOptions task_options) const {
  const ops::Device device = machine.Device();
  const ops::MatmulDtype matmul_dtype = machine.MatmulDtype();
  machine.Apply();
  const std::optional<at::ScalarType> dtype = machine.Dtype();
  // The command prints these outputs, so one that is not finite is an error here.
  task_options.evaluation = {.max_tokens_per_batch = batch_tokens, .progress = std::move(progress)};
  task_options.must_be_finite = true;
  auto task = train::OpenTrained(model, task_name, task_options,
                                 {.dtype = dtype ? *dtype : model::NativeDtype(device), .device = device},
                                 base_model);
  task->trunk()->SetMatmulDtype(matmul_dtype);
  return task;
}

void ModelOptions::FitThreads(train::Task& task, const data::Dataset& dataset) const {
  machine.FitThreads(2 * task.trunk()->config().num_layer_parameters() *
                     std::min(batch_tokens, dataset.tokens()));
}

}  // namespace gemtune::cli
