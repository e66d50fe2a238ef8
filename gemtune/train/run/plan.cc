#include "gemtune/train/run/plan.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

std::string Gigabytes(int64_t bytes) {
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

double Percent(int64_t part, int64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

bool AllLayersAreFrozen(int64_t stages, const model::Gemma3TextConfig& config) {
  return stages > config.num_hidden_layers;
}

}  // namespace

MachineMemory MachineMemory::Of(const ops::Device& device) {
  const int64_t available = AvailableMemoryBytes();
  if (ops::IsHost(device)) {
    return {.resident_bytes = ResidentBytes(),
            .available_bytes = available,
            .limit = FindMemoryLimit(),
            .host_available_bytes = available};
  }
  const ops::DeviceInfo info = ops::InfoOf(device);
  return {.limit = {.bytes = info.free_bytes, .source = "what is free on " + info.name},
          .host_available_bytes = available,
          .is_card = true};
}

bool KeepsFrozenStates(const model::Gemma3Model& trunk, const data::Dataset& train,
                       const RunOptions& options) {
  const TrainerOptions& trainer = options.trainer;
  const auto examples = static_cast<double>(train.size());
  const auto examples_a_step = static_cast<double>(trainer.batch_size * trainer.gradient_accumulation_steps);
  const double visits = trainer.max_steps > 0 ? static_cast<double>(trainer.max_steps) * examples_a_step
                                              : trainer.num_train_epochs * examples;
  const bool all_layers = AllLayersAreFrozen(trunk->FrozenStages(), trunk->config());
  if (options.neftune_noise_alpha > 0) return false;
  return options.cache_frozen || (all_layers && visits > examples);
}

RunPlan::RunPlan(const RunOptions& options, at::ScalarType dtype, int64_t num_outputs,
                 const model::ModelSource& source, const data::DataSplits& data, const MachineMemory& machine)
    : options_(options),
      num_outputs_(num_outputs),
      machine_(machine),
      as_asked_{options.method, dtype, options.gradient_checkpointing},
      size_(SizeOfRun(*data.train, options.trainer, TaskOf(options).count_rows)),
      histogram_(data::LengthHistogram(*data.train)),
      train_examples_(data.train->size()),
      train_tokens_(data.train->tokens()),
      truncated_(data.train->truncated()),
      source_(source) {
  input_ = {.process_bytes = machine.resident_bytes,
            .base_weights = options.base_weights,
            .pass_rows = size_.pass_rows,
            .embedding_rows =
                options.trainer.adamw.weight_decay > 0 ? source_.config.vocab_size : size_.distinct_tokens};
  input_.on_card = machine.is_card;
  for (const io::TensorInfo& tensor : source.checkpoint.tensors())
    input_.checkpoint_bytes += tensor.stored_bytes;
  const TaskOutline outline = Outline(as_asked_);
  for (const at::Tensor& parameter : outline.module->parameters()) {
    parameters_ += parameter.numel();
    if (parameter.requires_grad()) trained_parameters_ += parameter.numel();
  }
  input_.pass.has_vocabulary_head = outline.has_vocabulary_head;
  if (outline.has_vocabulary_head) input_.embedding_rows = source_.config.vocab_size;
  if (KeepsFrozenStates(outline.trunk, *data.train, options)) kept_stages_ = outline.trunk->FrozenStages();
  PlanMeasuring(data);
  memory_ = Foresee(as_asked_, size_.pass_tokens);
}

// The model without weights, frozen and adapted as it will be trained.
TaskOutline RunPlan::Outline(const Variant& variant) const {
  TaskOutline outline = TaskOf(options_).outline(source_, num_outputs_, {.dtype = variant.dtype});
  const Method& method = FindMethod(variant.method);
  method.select(*outline.module, options_.method_options);
  if (method.has_adapter) {
    model::LoraConfig lora = options_.method_options.lora;
    model::AttachLora(*outline.module, lora, /*seed=*/0);
  }
  return outline;
}

// Plans the passes without gradients, and the states kept from them.
void RunPlan::PlanMeasuring(const data::DataSplits& data) {
  const bool one_row_each = AllLayersAreFrozen(kept_stages_, source_.config);
  const auto size = static_cast<int64_t>(one_row_each ? at::elementSize(as_asked_.dtype) : sizeof(float));
  for (const data::Dataset* dataset : {data.train, data.validation, data.test}) {
    const bool is_kept = kept_stages_ > 0 && dataset != data.test;
    if (dataset == nullptr || (dataset == data.train && !is_kept)) continue;
    const int64_t batch =
        std::max(options_.task_options.evaluation.max_tokens_per_batch, data::LongestExample(*dataset));
    input_.evaluation_tokens = std::max(input_.evaluation_tokens, std::min(batch, dataset->tokens()));
    if (is_kept)
      input_.kept_bytes +=
          (one_row_each ? dataset->size() : dataset->tokens()) * source_.config.hidden_size * size;
  }
  if (input_.kept_bytes > max_kept_bytes()) input_.kept_bytes = 0;  // kept in a file
}

MemoryPlan RunPlan::Foresee(const Variant& variant, int64_t pass_tokens) const {
  MemoryPlanInput input = input_;
  input.pass_tokens = AllLayersAreFrozen(kept_stages_, source_.config) ? 0 : pass_tokens;
  input.pass_rows = std::min(pass_tokens, size_.pass_rows);
  input.pass = {.dtype = variant.dtype,
                .has_vocabulary_head = input_.pass.has_vocabulary_head,
                .gradient_checkpointing = variant.gradient_checkpointing,
                .accumulates_gradients = size_.passes_a_step > 1 || pass_tokens < size_.pass_tokens,
                .lora_dropout = options_.method_options.lora.lora_dropout};
  return PlanMemory(*Outline(variant).module, source_.config, input);
}

void RunPlan::Log() const {
  for (const data::LengthBucket& bucket : histogram_) {
    const double percent = Percent(bucket.examples, train_examples_);
    log::Info("{:>6} to {:>6} tokens {:>9} examples  {:5.1f} %  {}", bucket.from, bucket.to, bucket.examples,
              percent, std::string(1 + static_cast<size_t>(percent / 2.5), '#'));
  }
  log::Info("{} of {} examples ({:.1f} %) are longer than `max_length` and cut", truncated_, train_examples_,
            Percent(truncated_, train_examples_));
  log::Info(
      "{} steps, {} per epoch, with {} tokens in total; the largest batch has {} examples and {} tokens",
      size_.steps, size_.steps_per_epoch, size_.tokens, size_.pass_sequences, size_.pass_tokens);
  log::Info("trained: {} of {} parameters", trained_parameters_, parameters_);
}

void RunPlan::LogMemory() const {
  const MemoryPlan& m = memory_;
  if (machine_.is_card) {
    return log::Info(
        "memory of the card: {} of {}: weights {}, optimizer {}, activations and gradients {}, buffers {}",
        Gigabytes(m.peak()), Gigabytes(machine_.limit.bytes), Gigabytes(m.weights), Gigabytes(m.optimizer),
        Gigabytes(m.pass + m.kept), Gigabytes(m.kernels));
  }
  log::Info(
      "memory: {}: weights {}, optimizer {}, activations and gradients {}, program, tokenizer and data {}, "
      "buffers {}",
      Gigabytes(m.peak()), Gigabytes(m.weights), Gigabytes(m.optimizer), Gigabytes(m.pass + m.kept),
      Gigabytes(m.process), Gigabytes(m.kernels + m.holes + m.saving));
}

Json RunPlan::ToJson() const {
  Json histogram = Json::array();
  for (const data::LengthBucket& bucket : histogram_)
    histogram.push_back({{"from", bucket.from}, {"to", bucket.to}, {"examples", bucket.examples}});
  const MemoryPlan& m = memory_;
  return {{"train_examples", train_examples_},
          {"train_tokens", train_tokens_},
          {"length_histogram", histogram},
          {"truncated_examples", truncated_},
          {"truncated_share", Percent(truncated_, train_examples_) / 100},
          {"steps_per_epoch", size_.steps_per_epoch},
          {"steps", size_.steps},
          {"tokens", size_.tokens},
          {"largest_batch_tokens", size_.pass_tokens},
          {"parameters", parameters_},
          {"trained_parameters", trained_parameters_},
          {"memory_bytes",
           {{"process", m.process},
            {"weights", m.weights},
            {"optimizer", m.optimizer},
            {"activations_and_gradients", m.pass},
            {"kernels", m.kernels},
            {"holes", m.holes},
            {"frozen_states", m.kept},
            {"saving", m.saving}}},
          {"peak_memory_bytes", m.peak()}};
}

// Suggests the changes that make the run fit on their own; if there are none, those that lower its memory.
std::string RunPlan::Advice() const {
  std::vector<std::string> fitting, lower;
  const auto consider = [&](const std::string& option, const Variant& variant, int64_t pass_tokens) {
    const int64_t bytes = Foresee(variant, pass_tokens).peak();
    if (bytes >= memory_.peak()) return;
    (bytes <= machine_.limit.bytes ? fitting : lower)
        .push_back(fmt::format("{} ({})", option, Gigabytes(bytes)));
  };
  const int64_t tokens = FittingPassTokens();
  const bool holds_an_example = tokens >= histogram_.back().to;
  consider(fmt::format("{} {}", holds_an_example ? "`max_tokens_per_batch`" : "`batch_size` 1 `max_length`",
                       tokens),
           as_asked_, tokens);
  Variant checkpointing = as_asked_, in_bf16 = as_asked_, with_lora = as_asked_;
  checkpointing.gradient_checkpointing = true;
  consider("`gradient_checkpointing`", checkpointing, size_.pass_tokens);
  in_bf16.dtype = at::kBFloat16;
  consider("`dtype` bf16", in_bf16, size_.pass_tokens);
  with_lora.method = "lora";
  consider("`method` lora", with_lora, size_.pass_tokens);
  if (!fitting.empty()) return fmt::format("it would fit with {}", fmt::join(fitting, " or "));
  if (lower.empty()) return "no option makes it fit: take a smaller model or another machine";
  return fmt::format("none of these is enough alone: {}", fmt::join(lower, ", "));
}

// In steps of 64; 64 if nothing fits.
int64_t RunPlan::FittingPassTokens() const {
  constexpr int64_t kStep = 64;
  int64_t fits = 1, beyond = std::max<int64_t>(2, size_.pass_tokens / kStep);
  while (beyond - fits > 1) {
    const int64_t middle = (fits + beyond) / 2;
    (Foresee(as_asked_, middle * kStep).peak() <= machine_.limit.bytes ? fits : beyond) = middle;
  }
  return fits * kStep;
}

void RunPlan::CheckFits() const {
  const int64_t needed = memory_.peak();
  if (needed > machine_.limit.bytes) {
    Fail(
        "this run needs about {} of memory and may use {} ({}): its largest batch has {} tokens "
        "(`per_device_train_batch_size` {}, `max_length` {}); {}",
        Gigabytes(needed), Gigabytes(machine_.limit.bytes), machine_.limit.source, size_.pass_tokens,
        options_.trainer.batch_size, options_.data.reading.max_length, Advice());
  }
  const int64_t more = needed - memory_.process;
  if (machine_.available_bytes > 0 && more > machine_.available_bytes) {
    log::Warning(
        "this run needs about {} more memory and only {} are free now: the system may swap or end it",
        Gigabytes(more), Gigabytes(machine_.available_bytes));
  }
}

}  // namespace gemtune::train
