#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/train/method.h"
#include "gemtune/train/tasks/tasks.h"
#include "gemtune/train/trainer.h"

namespace gemtune::train {

/// The files of a run and what is read from them.
struct DataOptions {
  std::vector<std::string> train_files;
  std::vector<std::string> validation_files = {};  // evaluated as eval_strategy says
  std::vector<std::string> test_files = {};        // evaluated once at the end
  /// Without validation_files: validate on this share (below 1) or number of the training examples.
  double validation_split = 0;
  int64_t max_train_samples = 0;  // the first so many; 0: all
  int64_t max_eval_samples = 0;
  int64_t max_test_samples = 0;
  /// How each file is read; files, labels and max_samples are filled in.
  data::DatasetOptions reading = {.max_length = 512};
};

/// Everything that defines a run, that is, all that `gemtune train` can be told. Names and defaults are those
/// of its options unless a comment says otherwise.
struct RunOptions {
  std::string model;      // Hugging Face directory or GGUF file
  std::string task = {};  // a row of Tasks(); empty: the first
  std::string method = "full";
  DataOptions data = {};
  TaskOptions task_options = {};
  MethodOptions method_options = {};
  std::optional<double> learning_rate = {};  // nullopt: the method's, see Methods()
  TrainerOptions trainer = {};               // learning_rate, greater_is_better and run are filled in
  std::optional<at::ScalarType> dtype = {};  // nullopt: model::NativeDtype(device)
  ops::MatmulDtype matmul_dtype = ops::MatmulDtype::kOperands;
  model::BaseWeights base_weights = model::BaseWeights::kNumbers;
  ops::Device device = ops::Host();
  bool gradient_checkpointing = false;
  bool cache_frozen = false;
  double neftune_noise_alpha = 0;           // see Gemma3Model::SetEmbeddingNoise; 0: none
  std::filesystem::path output_dir = {};    // empty: nothing is kept, and Run::Train must not be called
  std::string resume_from_checkpoint = {};  // a checkpoint, "auto": the newest if there is one, or "": none
  bool overwrite_output_dir = false;
  /// Where the course of the run is written: "jsonl" (train_log.jsonl), "html" (report.html, out of the
  /// former), "tensorboard" (runs/), "all", or "none".
  std::vector<std::string> report_to = {"jsonl", "html"};

  bool ReportsTo(const std::string& place) const;
};

/// The row of options.task.
const TaskRow& TaskOf(const RunOptions& options);

/// Fills in what follows from other options: learning_rate, in which direction metric_for_best_model is
/// better, and max_tokens_per_batch for packing (batch_size examples of max_length). To be called before any
/// work: throws Error for options that contradict each other.
RunOptions Completed(RunOptions options);

}  // namespace gemtune::train
