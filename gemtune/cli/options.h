#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gemtune/cli/option_set.h"
#include "gemtune/data/dataset.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/lora.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::cli {

inline constexpr char kFilesHelp[] =
    "Files or globs: .parquet .csv .tsv .jsonl, the text ones also compressed (.gz .zst .bz2 .lz4)";
inline constexpr char kThreadsHelp[] = "Threads; 0: one a processor";

/// Options that several commands share; each declares itself in a group of --help.
struct MachineOptions {
  std::string dtype = "auto";
  std::string matmul_dtype = "auto";
  int64_t threads = 0;

  void Declare(OptionSet& options);

  /// Sets the number of threads for the process.
  void Apply() const;

  /// Leaves passes of `flops` operations to one thread where more would take longer to wake than to work,
  /// unless --threads says how many.
  void FitThreads(int64_t flops) const;

  /// kFloat or kBFloat16. "auto" takes bf16 where the processor multiplies it natively, else fp32, and says
  /// so.
  at::ScalarType ScalarType() const;

  /// Throws Error for int8 where the processor has no instructions for it.
  ops::MatmulDtype MatmulDtype() const;
};

struct ColumnOptions {
  std::string text_column = "text";
  std::string text_pair_column;
  std::string label_column = "label";
  std::string csv_delimiter;
  int64_t max_length = 512;
  std::string on_bad_row = "error";
  std::string cache_dir;
  bool no_cache = false;

  void Declare(OptionSet& options, bool with_labels);

  data::OnBadRow OnBadRow() const {
    return on_bad_row == "skip" ? data::OnBadRow::kSkip : data::OnBadRow::kError;
  }

  /// What to read from `files`; labels as given.
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

/// --base-model, for commands that take an adapter as their --model.
void AddBaseModel(OptionSet& options, std::string& base_model);

/// Makes the directory that `option` names where it does not exist. Throws Error if nothing can be written to
/// it: to be called before any work.
void MakeWritableDirectory(const std::string& path, const std::string& option);

/// Throws Error if `directory`, which `option` names, holds a model or a part of one and may not be written
/// over.
void RefuseModel(const std::string& directory, bool may_overwrite, const std::string& option);

/// A line on standard error that counts examples where that is a terminal; nothing elsewhere.
std::function<void(int64_t examples, int64_t total)> CountingProgress(const std::string& what);

}  // namespace gemtune::cli
