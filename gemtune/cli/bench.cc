#include "gemtune/cli/bench.h"

#include <algorithm>
#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/memory.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/processors.h"
#include "gemtune/data/batcher.h"
#include "gemtune/model/flops.h"
#include "gemtune/model/gemm_rate.h"
#include "gemtune/train/run/windows.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

model::PassFlops FlopsOf(train::Task& task, const data::Dataset& train, const train::Window& window) {
  model::PassFlops sum;
  for (const std::vector<int64_t>& indices : window) sum += task.CountFlops(data::Pack(train, indices));
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

void Bench::Declare(OptionSet& options) {
  options.Group("Measurement");
  options.Add("--steps", steps_, "Optimiser steps to measure, after one warm-up step",
              {.min = 1, .max = 1e6});
  options.Add("--in-file-order", in_file_order_,
              "Take the rows in the file's order, the first step as the warm-up, instead of steps spread "
              "over an epoch's lengths");
  options.Add("--times-parts", times_parts_,
              "On a card: wait for it after each part of a step, so that mean_step_split is its time; a step "
              "then takes longer");
  options_.Declare(options, /*needs_output_dir=*/false);
}

std::vector<train::Window> Bench::ChooseWindows(const data::Dataset& train,
                                                const train::TrainerOptions& trainer) const {
  if (!in_file_order_) {
    return train::SpreadOverLengths(train, train::EpochWindows(train, trainer, /*epoch=*/0), steps_);
  }
  std::vector<train::Window> windows;
  int64_t next = 0;
  for (int64_t step = 0; step <= steps_; ++step) {
    train::Window window(static_cast<size_t>(trainer.gradient_accumulation_steps));
    for (std::vector<int64_t>& batch : window) {
      for (int64_t i = 0; i < trainer.batch_size; ++i) batch.push_back(next++ % train.size());
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

Json Bench::MeasureSteps(train::Run& run) const {
  const data::Dataset& train = *run.data().train;
  const train::TrainerOptions& trainer = run.options().trainer;
  train::Task& task = run.task();
  train::AdamW optimizer(task.module(), trainer.adamw, task.sparse_gradients());
  model::GemmRate gemm(task.trunk()->config(), run.dtype(), run.options().device, run.options().matmul_dtype);
  const auto measure_gemm = [&](int64_t step_tokens) {
    gemm.Measure(step_tokens / trainer.gradient_accumulation_steps);
  };
  Measured measured;
  const std::vector<train::Window> windows = ChooseWindows(train, trainer);
  task.module().train();
  for (int64_t step = 0; step <= steps_; ++step) {
    const train::Window& window = windows[static_cast<size_t>(step)];
    if (step > 0) measure_gemm(train::NumTokens(train, window));
    const train::StepReport report = train::TakeStep(task, optimizer, train, window,
                                                     {.step = step,
                                                      .learning_rate = trainer.learning_rate,
                                                      .max_grad_norm = trainer.max_grad_norm,
                                                      .times_parts = times_parts_});
    if (report.is_skipped) throw RunError("the loss or its gradient is not finite; lower --learning-rate");
    log::Info("{}  {} tokens  {:.2f} s", step == 0 ? "warm-up" : fmt::format("step {}/{}", step, steps_),
              report.tokens, report.seconds);
    if (step > 0) measured.Add(report, train::NumExamples(window), FlopsOf(task, train, window));
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
  train::RunOptions asked = options_.Checked(options);
  asked.output_dir.clear();
  options_.machine().Apply();
  train::Run run(asked, {}, {.progress = CountingProgress});
  run.plan().LogMemory();
  options_.machine().FitThreads(run.plan().pass_flops());
  run.LoadModel();
  const train::TrainerOptions& trainer = run.options().trainer;
  Json result = {{"model", asked.model},
                 {"task", asked.task},
                 {"method", asked.method},
                 {"dtype", run.dtype() == at::kBFloat16 ? "bf16" : "fp32"},
                 {"base_dtype", options_.base_dtype()},
                 {"matmul_dtype", options_.machine().matmul_dtype},
                 {"products", ops::ProductsAreOwn(run.dtype()) ? "own" : "library"},
                 {"processor", ProcessorName()},
                 {"instructions", ops::InstructionsInUse()},
                 {"threads", NumThreads()},
                 {"device", run.options().device.str()},
                 {"batch_size", trainer.batch_size},
                 {"gradient_accumulation_steps", trainer.gradient_accumulation_steps},
                 {"train_examples", run.data().train->size()},
                 {"train_tokens", run.data().train->tokens()}};
  result.update(MeasureSteps(run));
  result["peak_rss_bytes"] = PeakResidentBytes();
  if (!ops::IsHost(run.options().device)) {
    result["card"] = ops::InfoOf(run.options().device).name;
    result["peak_device_bytes"] = ops::PeakBytes(run.options().device);
  }
  std::cout << result.dump(2) << std::endl;
}

}  // namespace gemtune::cli
