#include "gemtune/train/run/identity.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kThreadCount = "number of threads";

std::string Fingerprint(const torch::nn::Module& model) {
  Hash hash;
  for (const auto& item : model.named_parameters()) {
    const at::Tensor tensor = item.value().detach().to(ops::Host()).contiguous();
    const std::span<const std::byte> bytes = ops::HostBytes(tensor);
    hash.Add(item.key());
    hash.Add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  return hash.Hex();
}

std::string ValueOf(const Json& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() || !found->is_string() ? "none" : found->get<std::string>();
}

}  // namespace

RunRecord RecordOf(const RunOptions& options) {
  const TrainerOptions& t = options.trainer;
  const model::LoraConfig& lora = options.method_options.lora;
  const auto strategy = std::ranges::find(IntervalStrategies(), t.eval_strategy, &NamedStrategy::strategy);
  const Json values = {{"task", TaskOf(options).name},
                       {"method", options.method},
                       {"label_smoothing_factor", options.task_options.label_smoothing_factor},
                       {"trainable_layers", options.method_options.trainable_layers},
                       {"trainable_parameters", options.method_options.trainable_parameters},
                       {"freeze_embeddings", options.method_options.freeze_embeddings},
                       {"lora_r", lora.r},
                       {"lora_alpha", lora.lora_alpha},
                       {"lora_dropout", lora.lora_dropout},
                       {"use_rslora", lora.use_rslora},
                       {"use_dora", lora.use_dora},
                       {"target_modules", lora.target_modules},
                       {"target_pattern", lora.target_pattern},
                       {"modules_to_save", lora.modules_to_save},
                       {"batch_size", t.batch_size},
                       {"max_tokens_per_batch", t.max_tokens_per_batch},
                       {"packing", t.packing},
                       {"gradient_accumulation_steps", t.gradient_accumulation_steps},
                       {"num_train_epochs", t.num_train_epochs},
                       {"max_steps", t.max_steps},
                       {"learning_rate", t.learning_rate},
                       {"lr_scheduler_type", t.lr_scheduler_type},
                       {"warmup_ratio", t.warmup_ratio},
                       {"warmup_steps", t.warmup_steps},
                       {"max_grad_norm", t.max_grad_norm},
                       {"adam_beta1", t.adamw.beta1},
                       {"adam_beta2", t.adamw.beta2},
                       {"adam_epsilon", t.adamw.epsilon},
                       {"weight_decay", t.adamw.weight_decay},
                       {"seed", t.seed},
                       {"group_by_length", t.group_by_length},
                       {"eval_strategy", strategy->name},
                       {"eval_steps", t.eval_steps},
                       {"load_best_model_at_end", t.load_best_model_at_end},
                       {"metric_for_best_model", t.metric_for_best_model},
                       {"early_stopping_patience", t.early_stopping_patience},
                       {"early_stopping_threshold", t.early_stopping_threshold},
                       {"int8_products", options.matmul_dtype == ops::MatmulDtype::kInt8},
                       {"gradient_checkpointing", options.gradient_checkpointing},
                       {"neftune_noise_alpha", options.neftune_noise_alpha},
                       {"cache_frozen", options.cache_frozen}};
  RunRecord record{.text = "# Options of a run that another program than gemtune began:\n"};
  for (const auto& [name, value] : values.items()) {
    record.options[name] = value.dump();
    record.text += fmt::format("# {} = {}\n", name, value.dump());
  }
  return record;
}

Json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                    const torch::nn::Module& model) {
  const at::ScalarType head_type = model.parameters().back().scalar_type();  // the trunk may be in blocks
  return {{"training data", train.Fingerprint()},
          {"validation data", validation == nullptr ? "none" : validation->Fingerprint()},
          {"dtype", head_type == at::kBFloat16 ? "bf16" : "fp32"},
          {"weights of --model", Fingerprint(model)},
          {kThreadCount, std::to_string(NumThreads())}};
}

void CheckSame(const Json& saved, const Json& now, const std::string& source,
               const std::set<std::string>& free) {
  std::vector<std::string> differences;
  Json all = saved;
  all.update(now);
  for (const auto& [name, unused] : all.items()) {
    const std::string was = ValueOf(saved, name), is = ValueOf(now, name);
    if (was == is || free.contains(name)) continue;
    const std::string difference = fmt::format("{} was {} and is {}", name, Printable(was), Printable(is));
    if (name == kThreadCount) {
      log::Warning("{}: {}: sums are rounded in another order from here on", source, difference);
    } else {
      differences.push_back(difference);
    }
  }
  if (differences.empty()) return;
  Fail(
      "{}: belongs to another run: {}; resume it with the options in run.toml in `output_dir`, or begin a "
      "new run with `overwrite_output_dir`",
      source, fmt::join(differences, "; "));
}

}  // namespace gemtune::train
