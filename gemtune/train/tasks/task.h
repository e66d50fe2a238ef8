#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/infer/explain.h"
#include "gemtune/infer/frozen_states.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/flops.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/trainable.h"

namespace gemtune::train {

/// Options that only some tasks take; each row of Tasks() names its own.
struct TaskOptions {
  std::vector<std::string> label_names = {};  // in the order of their ids; empty: as found in the data
  double label_smoothing_factor = 0.0;        // in [0, 1]
  std::string class_weights = {};             // see train::ClassWeights
  double focal_gamma = 0.0;                   // see ops::ClassLossOptions
  bool calibrate = false;                     // fit the temperature, see Task::FitDecisions
  std::string tune_thresholds = {};           // fit the thresholds for a ThresholdGoal; empty: do not
  /// Below this score of the class or, of several, of a label's being there or not, nothing is decided.
  double min_score = 0.0;
  int64_t top_k = 0;  // of the scores that Predict shows, the highest so many; 0: all
  infer::PredictOptions evaluation = {};
  bool predict_with_generate = false;  // Evaluate also has the model write answers, and compares them
  std::string answer_regex = {};       // finds what counts in an answer; empty: all of it
  int64_t max_new_tokens = 256;        // of an answer
  /// Evaluate and Predict throw Error for outputs that are not finite, see infer::CheckFinite.
  bool must_be_finite = false;
};

/// Defines what an example is and what the loss is for a Gemma 3: the first of the two axes of everything
/// gemtune does. A task owns the model that it trains. This class holds what all tasks share; a new task
/// implements the pure virtual functions, here and in Trainable, and adds a row to Tasks() (tasks.h).
class Task : public Trainable {
 public:
  torch::nn::Module& module() override { return pretrained_->module(); }
  std::vector<std::string> sparse_gradients() const override { return pretrained_->sparse_gradients(); }
  void Save(const std::filesystem::path& directory) override { pretrained_->Save(directory); }
  void Restore(const std::filesystem::path& directory) override { pretrained_->Restore(directory); }
  int64_t passes() const override;
  void set_passes(int64_t passes) override;

  model::Gemma3Model& trunk() { return pretrained_->trunk(); }
  model::Pretrained& pretrained() { return *pretrained_; }

  /// Computes the outputs of the model's frozen stages for the training data and for the validation data
  /// (which may be null); from then on, trains and evaluates on these outputs. Nothing may be frozen or
  /// unfrozen afterwards. Both data sets must outlive this. Throws RunError if the disk has no room. Returns
  /// the bytes kept; options.max_memory_bytes applies to their total.
  int64_t KeepFrozenStates(const data::Dataset& train, const data::Dataset* validation,
                           const infer::FrozenStatesOptions& options);

  /// Fits what turns outputs into decisions and is asked for in the options: the temperature, and thresholds
  /// on labels. Returns what was found, or null where nothing is asked for; SaveConfig then keeps it.
  virtual Metrics FitDecisions(const data::Dataset& validation);

  /// Sets how data for this model is read: the kind of labels, and their names.
  virtual void Read(data::DatasetOptions& options) const = 0;

  /// Calls `visit` with the line that `gemtune predict` prints for each example, in the data set's order; the
  /// line includes the model's raw outputs if `with_logits`.
  virtual void Predict(const data::Dataset& dataset, bool with_logits,
                       const std::function<void(const nlohmann::ordered_json& line)>& visit) = 0;

  /// What the tokens of a text contribute to the model's output, by `explain` of infer/explain.h. Throws
  /// Error for a task whose model does not judge texts.
  using Explain = infer::Explanation(model::SequenceClassifier& model, std::span<const int32_t> ids,
                                     const infer::ExplainOptions& options);
  struct Explained {
    infer::Explanation explanation;
    std::string label;  // of the explained output; "" for regression
  };
  virtual Explained ExplainText(Explain explain, std::span<const int32_t> ids,
                                const infer::ExplainOptions& options);

  /// The model's own answers to the first examples of a data set, up to so many tokens each; none of a task
  /// without answers. Changes nothing.
  struct Answer {
    std::string prompt, reference, text;
  };
  virtual std::vector<Answer> WriteAnswers(const data::Dataset& dataset, int64_t examples,
                                           int64_t max_new_tokens);

  /// Operations of a training pass on the batch, see model::CountFlops.
  virtual model::PassFlops CountFlops(const data::PackedBatch& batch) = 0;

 protected:
  Task(std::unique_ptr<model::Pretrained> pretrained, TaskOptions options)
      : options_(std::move(options)), pretrained_(std::move(pretrained)) {}

  /// The model's outputs for a batch of the training data, with an autograd graph; computed from kept states
  /// if there are any.
  at::Tensor TrainingOutputs(const data::PackedBatch& batch);

  /// The same without a graph, for batches of any `dataset`.
  std::function<at::Tensor(const data::PackedBatch&)> OutputsOn(const data::Dataset& dataset);

  const TaskOptions options_;

 private:
  /// Runs the model on a batch: its ids → outputs. The next two do the same in two parts, split before a
  /// stage of the trunk (Gemma3Model::RunStages).
  virtual at::Tensor Outputs(const data::PackedBatch& batch) = 0;
  virtual at::Tensor StatesBefore(int64_t stage, const data::PackedBatch& batch) = 0;
  virtual at::Tensor OutputsOfStates(int64_t stage, const at::Tensor& states,
                                     const data::PackedBatch& batch) = 0;

  /// The number of rows that an example has in StatesBefore.
  virtual int64_t StateRows(int64_t stage, const data::Dataset& dataset, int64_t example) const = 0;

  std::unique_ptr<model::Pretrained> pretrained_;
  int64_t kept_stages_ = 0;
  std::vector<infer::FrozenStates> kept_;  // of the training data, then of the validation data
};

}  // namespace gemtune::train
