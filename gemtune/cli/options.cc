#include "gemtune/cli/options.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/progress.h"
#include "gemtune/data/csv.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/ops/tensor_arena.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::cli {

void MachineOptions::Declare(OptionSet& options) {
  options.Group("Machine");
  options.Add("--device", device, kDeviceHelp, {.not_empty = true});
  options.Add("--deterministic", deterministic,
              "On a card: the same numbers in every run, and in a run that was resumed; slower. On a "
              "processor that is "
              "always so");
  options.Add("--dtype", dtype,
              "Precision of weights and activations; auto: bf16 where the device multiplies it natively, "
              "else fp32",
              {.choices = {"auto", "bf16", "fp32"}});
  options.Add("--matmul-dtype", matmul_dtype,
              "Number format of the layers' products; auto: --dtype; int8: both sides rounded to 8 bits, "
              "faster and less exact",
              {.choices = {"auto", "int8"}});
  options.Add("--threads", threads, kThreadsHelp, {.min = 0, .max = 4096});
}

void MachineOptions::Apply() const {
  SetNumThreads(static_cast<int>(threads));
  ops::UseTensorArena();
}

void MachineOptions::FitThreads(int64_t flops) const {
  constexpr int64_t kWorthWaking = 1'000'000'000;  // about 20 ms on one thread, in a hundred parts
  if (threads == 0 && flops < kWorthWaking) SetNumThreads(1);
}

ops::Device MachineOptions::Device() const {
  if (deterministic) ops::UseDeterministicAlgorithms();
  const ops::Device found = ops::FindDevice(device);
  if (ops::IsHost(found)) return found;
  if (matmul_dtype != "auto")
    Fail("--matmul-dtype {}: is for processors; leave it out, or use --device cpu", matmul_dtype);
  const ops::DeviceInfo info = ops::InfoOf(found);
  if (dtype == "bf16" && !ops::HasFastBFloat16(found)) {
    Fail("--dtype bf16: {} (compute capability {}) does not multiply bf16, which takes 8.0; use --dtype fp32",
         info.name, info.capability);
  }
  log::Info("device {}: {}, {:.1f} GB, {:.1f} of them free", found.str(), info.name,
            static_cast<double>(info.total_bytes) / 1e9, static_cast<double>(info.free_bytes) / 1e9);
  return found;
}

std::optional<at::ScalarType> MachineOptions::Dtype() const {
  if (dtype == "auto") return std::nullopt;
  return dtype == "bf16" ? at::kBFloat16 : at::kFloat;
}

ops::MatmulDtype MachineOptions::MatmulDtype() const {
  if (matmul_dtype == "auto") return ops::MatmulDtype::kOperands;
  if (!ops::HasInt8Products()) {
    Fail("--matmul-dtype int8: this processor has neither AVX512-VNNI nor AVX-VNNI; leave it out");
  }
  return ops::MatmulDtype::kInt8;
}

void ColumnOptions::Declare(OptionSet& options, const WantedColumns& wanted) {
  options.Add("--text-column", text_column, "Column that holds the text", {.not_empty = true});
  options.Add("--text-pair-column", text_pair_column, "Column that holds a second text, for pairs");
  if (wanted.labels)
    options.Add("--label-column", label_column, "Column that holds the label", {.not_empty = true});
  if (wanted.loss_weights)
    options.Add("--loss-weight-column", loss_weight_column,
                "Column that holds how much a row's loss counts; in training and validation files");
  if (wanted.conversations) {
    options.Add("--messages-column", conversation.messages,
                "--task sft: column that holds whole conversations; default: messages or conversations");
    options.Add("--prompt-column", conversation.prompt,
                "--task sft: column that holds what the user asks; default: prompt or instruction");
    options.Add(
        "--input-column", conversation.input,
        "--task sft: column that holds more of it, on the next line; default: input, after instruction");
    options.Add("--completion-column", conversation.completion,
                "--task sft: column that holds the answer; default: completion or output");
    options.Add("--train-on", train_on, "--task sft: answers to learn, all of a conversation or the last one",
                {.choices = {"all", "last"}});
    options.Add("--excess-length-strategy", excess_length_strategy,
                "--task sft: cut a conversation that is longer than --max-length, or leave it out",
                {.choices = {"truncate", "drop"}});
  }
  options.Add("--csv-delimiter", csv_delimiter,
              "Column separator of CSV files, such as ';' or tab; default: a comma, in .tsv files a tab");
  options.Add(
      "--max-length", max_length,
      "Most tokens per example; the rest of the text is cut off, or with --task clm the next example; "
      "0: no limit",
      {.min = 0, .max = 1 << 24});
  options.Add(
      "--on-bad-row", on_bad_row,
      "A row that cannot be used (a null, no label, not UTF-8, a text over 4 MB, ...): error ends the run "
      "and names it, skip leaves it out and counts it",
      {.choices = {"error", "skip"}});
  options.Add(
      "--cache-dir", cache_dir,
      "Where tokenised data is kept for the next run; else $XDG_CACHE_HOME/gemtune or ~/.cache/gemtune",
      {.is_path = true});
  options.Add("--no-cache", no_cache, "Do not keep tokenised data");
}

namespace {

std::filesystem::path DefaultCacheDir() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "gemtune";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "gemtune";
  }
  return {};
}

}  // namespace

data::DatasetOptions ColumnOptions::Dataset(const std::vector<std::string>& files) const {
  data::DatasetOptions options;
  options.files = files;
  options.text_column = text_column;
  options.text_pair_column = text_pair_column;
  options.label_column = label_column;
  options.loss_weight_column = loss_weight_column;
  options.conversation_columns = conversation;
  options.only_last_answer = train_on == "last";
  options.excess_length =
      excess_length_strategy == "drop" ? data::ExcessLength::kDrop : data::ExcessLength::kTruncate;
  options.csv_delimiter = data::ParseDelimiter(csv_delimiter);
  options.max_length = max_length;
  options.on_bad_row = OnBadRow();
  if (!no_cache) options.cache_dir = cache_dir.empty() ? DefaultCacheDir() : std::filesystem::path(cache_dir);
  return options;
}

void LoraOptions::Declare(OptionSet& options) {
  options.Group("LoRA (--method lora)");
  options.Add("--lora-r", config.r, "Rank of the adapters", {.min = 1, .max = 1 << 16});
  options.Add("--lora-alpha", config.lora_alpha,
              "Their scale is alpha / r, with --use-rslora alpha / sqrt(r)", {.min = 0, .max = 1e9});
  options.Add("--lora-dropout", config.lora_dropout, "Share of an adapter's inputs dropped while training",
              {.min = 0, .max = 0.999});
  options.Add(
      "--lora-target-modules", target_modules,
      "Modules with an adapter: all-linear, names (q_proj,v_proj) or a regular expression for whole paths",
      {.not_empty = true});
  options.Add("--modules-to-save", config.modules_to_save,
              "Modules trained whole and saved with the adapter; the head always is", {.delimiter = ','});
  options.Add("--use-rslora", config.use_rslora, "Rank-stabilised LoRA");
  options.Add("--use-dora", config.use_dora, "DoRA: train magnitude and direction of each weight separately");
  options.Add("--base-dtype", base_dtype,
              "Format of the frozen weights; auto: --dtype; slower, but with less memory: keep, the blocks "
              "of the GGUF file given as --model; q8_0, the weights of any model rounded to 8 bits",
              {.choices = {"auto", "keep", "q8_0"}});
}

model::BaseWeights LoraOptions::BaseWeights() const {
  if (base_dtype == "keep") return model::BaseWeights::kFileBlocks;
  return base_dtype == "q8_0" ? model::BaseWeights::kQ8_0 : model::BaseWeights::kNumbers;
}

model::LoraConfig LoraOptions::Config() const {
  model::LoraConfig result = config;
  model::SetTargetModules(target_modules, result);
  return result;
}

void RefuseColumnsOfOtherTasks(const OptionSet& options, const std::string& task) {
  RefuseOfOthers(options, train::Tasks(), task, &train::TaskRow::columns, "--task");
}

void AddBaseModel(OptionSet& options, std::string& base_model) {
  options.Add("--base-model", base_model, "The base model of an adapter, if it has moved since the training");
}

void RefuseModel(const std::string& directory, bool may_overwrite, const std::string& option) {
  const std::vector<std::string> found = model::ModelFilesIn(directory);
  if (found.empty() || may_overwrite) return;
  Fail("{}: holds another model ({}); give another {}, or overwrite it with --overwrite-output-dir",
       directory, found.front(), option);
}

std::function<void(int64_t, int64_t)> CountingProgress(const std::string& what) {
  if (!log::ShowsProgress()) return {};
  return [bar = std::make_shared<ProgressBar>(what)](int64_t examples, int64_t total) {
    examples < total ? bar->Show(examples, total, "examples") : bar->Clear();
  };
}

}  // namespace gemtune::cli
