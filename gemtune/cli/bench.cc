#include "gemtune/cli/bench.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iostream>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/memory.h"
#include "gemtune/base/parallel.h"
#include "gemtune/data/batcher.h"
#include "gemtune/model/flops.h"
#include "gemtune/model/gemm_rate.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

int64_t NumTokens(const data::Dataset& train, const train::Window& window) {
  int64_t tokens = 0;
  for (const std::vector<int64_t>& batch : window) {
    for (const int64_t example : batch) tokens += train.length(example);
  }
  return tokens;
}

int64_t NumExamples(const train::Window& window) {
  int64_t examples = 0;
  for (const std::vector<int64_t>& batch : window) examples += std::ssize(batch);
  return examples;
}

at::ScalarType ScalarTypeOf(const model::PretrainedClassifier& classifier) {
  return classifier.model->score()->weight.scalar_type();
}

model::PassFlops FlopsOf(model::PretrainedClassifier& classifier, const data::Dataset& train,
                         const train::Window& window) {
  model::PassFlops sum;
  for (const std::vector<int64_t>& indices : window) {
    const data::PackedBatch batch = data::Pack(train, indices);
    const auto rows = model::PooledRows(batch.ids, batch.cu_seqlens, classifier.config.pad_token_id);
    sum += model::CountFlops(*classifier.model, classifier.config,
                             ops::PackedLayout::Full(batch.cu_seqlens).WithRows(rows));
  }
  return sum;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Sums over the measured steps.
struct Measured {
  std::vector<double> step_seconds;
  std::vector<int64_t> step_tokens;
  train::StepReport sum;
  int64_t examples = 0;
  model::PassFlops flops;

  void Add(const train::StepReport& step, int64_t step_examples, const model::PassFlops& step_flops) {
    examples += step_examples;
    flops += step_flops;
    step_seconds.push_back(step.seconds);
    step_tokens.push_back(step.tokens);
    sum.tokens += step.tokens;
    sum.seconds += step.seconds;
    sum.data_seconds += step.data_seconds;
    sum.forward_seconds += step.forward_seconds;
    sum.backward_seconds += step.backward_seconds;
    sum.optimizer_seconds += step.optimizer_seconds;
  }

  Json ToJson(int64_t train_tokens) const {
    const auto steps = static_cast<double>(step_seconds.size());
    const double tokens_per_second = static_cast<double>(sum.tokens) / sum.seconds;
    return {{"tokens_per_second", tokens_per_second},
            {"examples_per_second", static_cast<double>(examples) / sum.seconds},
            {"seconds_per_epoch", static_cast<double>(train_tokens) / tokens_per_second},
            {"step_seconds", step_seconds},
            {"median_step_seconds", Median(step_seconds)},
            {"step_tokens", step_tokens},
            {"mean_step_split",
             {{"data_seconds", sum.data_seconds / steps},
              {"forward_seconds", sum.forward_seconds / steps},
              {"backward_seconds", sum.backward_seconds / steps},
              {"optimizer_seconds", sum.optimizer_seconds / steps}}},
            {"model_flops_per_step", static_cast<double>(flops.total()) / steps}};
  }
};

}  // namespace

std::vector<train::Window> SpreadOverLengths(const data::Dataset& train,
                                             const std::vector<train::Window>& windows, int64_t steps) {
  std::vector<size_t> by_tokens(windows.size());
  std::iota(by_tokens.begin(), by_tokens.end(), size_t{0});
  std::stable_sort(by_tokens.begin(), by_tokens.end(), [&](size_t a, size_t b) {
    return NumTokens(train, windows[a]) < NumTokens(train, windows[b]);
  });
  std::vector<size_t> chosen;
  for (int64_t i = 0; i < steps; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(steps);
    chosen.push_back(by_tokens[static_cast<size_t>(place * static_cast<double>(windows.size()))]);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<train::Window> spread = {windows[by_tokens.back()]};
  for (const size_t i : chosen) spread.push_back(windows[i]);
  return spread;
}

void Bench::Declare(OptionSet& options) {
  options.Group("Measurement");
  options.Add("--steps", steps_, "Optimiser steps that are measured, after one to warm up",
              {.min = 1, .max = 1e6});
  options.Add(
      "--in-file-order", in_file_order_,
      "Make steps of the rows as they stand in the file, the first to warm up, instead of steps spread "
      "over the lengths of an epoch's");
  DeclareAll(options, /*needs_output_dir=*/false);
}

std::vector<train::Window> Bench::ChooseWindows(const data::Dataset& train) const {
  if (!in_file_order_) {
    return SpreadOverLengths(train, train::EpochWindows(train, trainer_, /*epoch=*/0), steps_);
  }
  std::vector<train::Window> windows;
  int64_t next = 0;
  for (int64_t step = 0; step <= steps_; ++step) {
    train::Window window(static_cast<size_t>(trainer_.gradient_accumulation_steps));
    for (std::vector<int64_t>& batch : window) {
      for (int64_t i = 0; i < trainer_.batch_size; ++i) batch.push_back(next++ % train.size());
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

nlohmann::ordered_json Bench::MeasureSteps(Job& job) const {
  const data::Dataset& train = job.splits.train;
  train::Classification task(job.classifier, {.label_smoothing = label_smoothing_});
  train::AdamW optimizer(task.module(), trainer_.adamw, task.sparse_gradients());
  model::GemmRate gemm(job.classifier.config, ScalarTypeOf(job.classifier));
  const auto measure_gemm = [&](int64_t step_tokens) {
    gemm.Measure(step_tokens / trainer_.gradient_accumulation_steps);
  };
  Measured measured;
  const std::vector<train::Window> windows = ChooseWindows(train);
  task.module().train();
  for (int64_t step = 0; step <= steps_; ++step) {
    const train::Window& window = windows[static_cast<size_t>(step)];
    if (step > 0) measure_gemm(NumTokens(train, window));
    const train::StepReport report = train::TakeStep(
        task, optimizer, train, window,
        {.step = step, .learning_rate = trainer_.learning_rate, .max_grad_norm = trainer_.max_grad_norm});
    if (report.is_skipped) throw RunError("the loss or its gradient is not finite; lower --learning-rate");
    log::Info("{}  {} tokens  {:.2f} s", step == 0 ? "warm-up" : fmt::format("step {}/{}", step, steps_),
              report.tokens, report.seconds);
    if (step > 0) measured.Add(report, NumExamples(window), FlopsOf(job.classifier, train, window));
  }
  measure_gemm(measured.sum.tokens / steps_);

  Json result = {{"trained_parameters", optimizer.num_parameters()}};
  result.update(measured.ToJson(train.tokens()));
  const double aten = gemm.AtenFlopsPerSecond(measured.flops), own = gemm.OwnFlopsPerSecond(measured.flops),
               reached = static_cast<double>(measured.flops.total()) / measured.sum.seconds;
  result["gemm_flops_per_second"] = aten;
  result["mfu"] = reached / aten;
  result["own_gemm_flops_per_second"] = own;
  result["mfu_of_own_gemm"] = reached / own;
  return result;
}

void Bench::Run(const OptionSet& options) {
  CheckOptions(options);
  Job job = Prepare();
  Json result = {{"model", model_},
                 {"task", task_},
                 {"method", method_},
                 {"dtype", ScalarTypeOf(job.classifier) == at::kBFloat16 ? "bf16" : "fp32"},
                 {"base_dtype", lora_.base_dtype},
                 {"threads", NumThreads()},
                 {"batch_size", trainer_.batch_size},
                 {"gradient_accumulation_steps", trainer_.gradient_accumulation_steps},
                 {"train_examples", job.splits.train.size()},
                 {"train_tokens", job.splits.train.tokens()}};
  result.update(MeasureSteps(job));
  result["peak_rss_bytes"] = PeakResidentBytes();
  std::cout << result.dump(2) << std::endl;
}

}  // namespace gemtune::cli
