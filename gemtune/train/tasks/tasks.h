#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/source.h"
#include "gemtune/train/tasks/task.h"

namespace gemtune::train {

/// A metric that is one number, and whether greater values are better.
struct ScalarMetric {
  std::string name;
  bool greater_is_better;
};

/// A model without weights (ops::Nowhere).
struct TaskOutline {
  std::shared_ptr<torch::nn::Module> module;
  model::Gemma3Model trunk = nullptr;
  bool has_vocabulary_head = false;  // the embedding, whose gradient is dense then
};

/// A task as a row of a table: what a run and the commands need to know about it.
struct TaskRow {
  std::string name;                  // --task
  std::vector<std::string> columns;  // of a data file, given by the options that name them
  std::vector<std::string> options;  // the fields of TaskOptions that it uses
  std::vector<ScalarMetric> metrics;
  std::string pipeline_tag;                       // what Hugging Face's hub calls such models
  data::RowKind row_kind = data::RowKind::kText;  // of its data files

  /// Sets how training data is read to train `source`.
  std::function<void(const model::ModelSource& source, const TaskOptions& task,
                     data::DatasetOptions& options)>
      read;

  /// Throws Error for options that do not go together or do not fit the data; `validation` may be null.
  /// Before the model is read.
  std::function<void(const data::Dataset& train, const data::Dataset* validation, const TaskOptions& task)>
      check;

  /// A line for the user on what happens to the head that `source` has; empty if it has none.
  std::function<std::string(const model::ModelSource& source, const data::Dataset& train)> head_note;

  /// Outputs of the head for these training data.
  std::function<int64_t(const data::Dataset& train)> num_outputs;

  /// Rows of an example on which the last layer and the head run.
  std::function<int64_t(const data::Dataset& dataset, int64_t example)> count_rows;

  /// The model as `load` asks for it, see model::Outline, which also says what is thrown.
  std::function<TaskOutline(const model::ModelSource& source, int64_t num_outputs,
                            const model::LoadOptions& load)>
      outline;

  /// The model of `source` with the head for these training data, ready to learn.
  std::function<std::unique_ptr<Task>(const model::ModelSource& source, text::Tokenizer tokenizer,
                                      const data::Dataset& train, const TaskOptions& task,
                                      const model::LoadOptions& load)>
      make;

  /// Opens a trained model or adapter from its directory. An adapter's base is `base_model` if given, else
  /// the one that the adapter names. Throws Error for a model of another task.
  std::function<std::unique_ptr<Task>(const std::filesystem::path& path, const TaskOptions& task,
                                      const model::LoadOptions& load,
                                      const std::filesystem::path& base_model)>
      open;
};

const std::vector<TaskRow>& Tasks();

/// Throws Error naming the known ones.
const TaskRow& FindTask(const std::string& name);

/// Opens a trained model or adapter for the task of this name, see TaskRow::open; if it is empty, for the one
/// that the model itself names, as those that judge texts do. Throws Error if it names none.
std::unique_ptr<Task> OpenTrained(const std::filesystem::path& path, const std::string& name = {},
                                  const TaskOptions& task = {}, const model::LoadOptions& load = {},
                                  const std::filesystem::path& base_model = {});

}  // namespace gemtune::train
