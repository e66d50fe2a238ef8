#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
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
inline constexpr char kThreadsHelp[] = "Threads; 0: one per processor";

/// Options that several commands share. Each struct declares its own group of --help.
struct MachineOptions {
  std::string dtype = "auto";
  std::string matmul_dtype = "auto";
  int64_t threads = 0;

  void Declare(OptionSet& options);

  /// Sets the number of threads for the process.
  void Apply() const;

  /// Uses one thread if passes have so few operations (`flops`) that waking more threads would take longer
  /// than their work; not if --threads gives a number.
  void FitThreads(int64_t flops) const;

  /// kFloat or kBFloat16; nullopt for auto, which is model::NativeDtype().
  std::optional<at::ScalarType> Dtype() const;

  /// Throws Error for int8 if the processor has no instructions for it.
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

  /// `with_labels`: also --label-column.
  void Declare(OptionSet& options, bool with_labels);

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

/// Declares --base-model, for commands whose --model may be an adapter.
void AddBaseModel(OptionSet& options, std::string& base_model);

/// Throws Error if `directory`, the value of `option`, holds a model or a part of one and must not be
/// overwritten.
void RefuseModel(const std::string& directory, bool may_overwrite, const std::string& option);

/// Counts examples in a line on standard error if that is a terminal; otherwise prints nothing.
std::function<void(int64_t examples, int64_t total)> CountingProgress(const std::string& what);

}  // namespace gemtune::cli
