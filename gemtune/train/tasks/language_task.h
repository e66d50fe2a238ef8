#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/causal_lm.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::train {

/// A kind of task that teaches Gemma 3 to predict the next token, as a row of a table: what its examples are.
struct LanguageKind {
  std::string task;  // --task
  data::RowKind row_kind;
  std::vector<std::string> columns = {};  // see TaskRow
  std::vector<std::string> options = {};
};

/// Instruction tuning on conversations, whose assistant's turns are predicted, and continued pre-training on
/// documents.
const std::vector<LanguageKind>& LanguageKinds();

/// Trains and evaluates a language model. The loss is transformers' ForCausalLMLoss: cross entropy of each
/// target given all tokens before it.
class LanguageTask : public Task {
 public:
  LanguageTask(std::unique_ptr<model::PretrainedCausalLm> language_model, const LanguageKind& kind,
               TaskOptions options);

  double TargetWeight(const data::PackedBatch& batch) const override;
  at::Tensor LossSum(const data::PackedBatch& batch) override;

  /// "loss", the mean over targets; "perplexity", exp(loss); "token_accuracy", the share of targets that are
  /// the most likely token; "targets", their number. With predict_with_generate, the last answer of each
  /// conversation is written anew, the most likely token each time: "exact_match", the share that is right,
  /// and "rouge_l", the mean F-measure (infer::ScoreAnswers). Throws Error for an answer_regex that is none,
  /// or that an expected answer does not have.
  Metrics Evaluate(const data::Dataset& dataset) override;

  void Read(data::DatasetOptions& options) const override;

  /// Lines with each example's own loss, perplexity and number of targets. There are no logits.
  void Predict(const data::Dataset& dataset, bool with_logits,
               const std::function<void(const nlohmann::ordered_json& line)>& visit) override;

  std::vector<Answer> WriteAnswers(const data::Dataset& dataset, int64_t examples,
                                   int64_t max_new_tokens) override;
  model::PassFlops CountFlops(const data::PackedBatch& batch) override;

  model::PretrainedCausalLm& language_model() { return language_model_; }

 private:
  // What an evaluation asks of an example.
  struct Score {
    double loss_sum = 0;
    int64_t correct = 0, targets = 0;
  };

  at::Tensor Outputs(const data::PackedBatch& batch) override;
  at::Tensor StatesBefore(int64_t stage, const data::PackedBatch& batch) override;
  at::Tensor OutputsOfStates(int64_t stage, const at::Tensor& states,
                             const data::PackedBatch& batch) override;
  int64_t StateRows(int64_t stage, const data::Dataset& dataset, int64_t example) const override;
  std::vector<Score> Scores(const data::Dataset& dataset);
  Metrics MeasureAnswers(const data::Dataset& dataset);

  model::PretrainedCausalLm& language_model_;  // owned by the base class
  const LanguageKind& kind_;
};

/// The rows of Tasks() for these kinds.
std::vector<TaskRow> LanguageTaskRows();

}  // namespace gemtune::train
