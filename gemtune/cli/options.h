#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/cli/option_set.h"
#include "gemtune/cli/spelling.h"
#include "gemtune/data/dataset.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/lora.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/ops/device.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::cli {

inline constexpr char kMinScoreHelp[] =
    "Decide nothing where the score of the class (of several labels: of a label's being there or not) is "
    "lower";
inline constexpr char kFilesHelp[] =
    "Files or globs: .parquet .csv .tsv .jsonl .json (--task clm: also .txt), the text ones also compressed "
    "(.gz .zst .bz2 .lz4)";
inline constexpr char kDeviceHelp[] =
    "Where to compute: cpu; cuda, a card of NVIDIA's (cuda:1 the second); auto: a card if there is one that "
    "can be used";
inline constexpr char kThreadsHelp[] = "Threads; 0: one for each processor within its quota, fast cores only";

/// Options that several commands share. Each struct declares its own group of --help.
struct MachineOptions {
  std::string dtype = "auto";
  std::string matmul_dtype = "auto";
  std::string device = "auto";
  bool deterministic = false;
  int64_t threads = 0;

  void Declare(OptionSet& options);

  /// Sets the number of threads for the process.
  void Apply() const;

  /// Uses one thread if passes have so few operations (`flops`) that waking more threads would take longer
  /// than their work; not if --threads gives a number.
  void FitThreads(int64_t flops) const;

  /// The device, made ready. Throws Error if it cannot be used, or not with the other options.
  ops::Device Device() const;

  /// kFloat or kBFloat16; nullopt for auto, which is model::NativeDtype().
  std::optional<at::ScalarType> Dtype() const;

  /// Throws Error for int8 if the processor has no instructions for it.
  ops::MatmulDtype MatmulDtype() const;
};

/// What a command reads from data files, besides texts.
struct WantedColumns {
  bool labels = false;
  bool conversations = false;
  bool loss_weights = false;
};

struct ColumnOptions {
  std::string text_column = "text";
  std::string text_pair_column;
  std::string label_column = "label";
  std::string loss_weight_column;
  data::ConversationColumns conversation;
  std::string train_on = "all";
  std::string excess_length_strategy = "truncate";
  std::string csv_delimiter;
  int64_t max_length = 512;
  std::string on_bad_row = "error";
  std::string cache_dir;
  bool no_cache = false;

  /// The options of what is not wanted are left out.
  void Declare(OptionSet& options, const WantedColumns& wanted);

  data::OnBadRow OnBadRow() const {
    return on_bad_row == "skip" ? data::OnBadRow::kSkip : data::OnBadRow::kError;
  }

  /// How to read `files`; labels are left as they are in the file.
  data::DatasetOptions Dataset(const std::vector<std::string>& files) const;
};

struct LoraOptions {
  model::LoraConfig config;
  std::string target_modules = "all-linear";
  std::string base_dtype = "auto";

  model::BaseWeights BaseWeights() const;

  void Declare(OptionSet& options);

  /// Throws Error for target modules that are neither names nor a regular expression.
  model::LoraConfig Config() const;
};

/// Throws Error if the user gave an option about columns that the task of this name does not read.
void RefuseColumnsOfOtherTasks(const OptionSet& options, const std::string& task);

/// The names of a table's rows, such as train::Tasks().
template <typename Row>
std::vector<std::string> NamesOf(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

/// Throws Error if the user changed an option that is listed in `member` of other rows, but not of the row
/// named `own`.
template <typename Row>
void RefuseOfOthers(const OptionSet& options, const std::vector<Row>& rows, const std::string& own,
                    std::vector<std::string> Row::*member, const std::string& axis) {
  const std::vector<std::string>& mine = (*std::ranges::find(rows, own, &Row::name)).*member;
  for (const Row& row : rows) {
    for (const std::string& option : row.*member) {
      if (std::ranges::count(mine, option) == 0 && options.Changed(OptionName(option)))
        Fail("{} is for {} {}", OptionName(option), axis, row.name);
    }
  }
}

/// Declares --base-model, for commands whose --model may be an adapter.
void AddBaseModel(OptionSet& options, std::string& base_model);

/// Throws Error if `directory`, the value of `option`, holds a model or a part of one and must not be
/// overwritten.
void RefuseModel(const std::string& directory, bool may_overwrite, const std::string& option);

/// Counts examples in a line on standard error if that is a terminal; otherwise prints nothing.
std::function<void(int64_t examples, int64_t total)> CountingProgress(const std::string& what);

}  // namespace gemtune::cli
