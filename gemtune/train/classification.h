#pragma once

#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/infer/frozen_states.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/task.h"

namespace gemtune::train {

/// A metric that is one number, and which way it is better.
struct ScalarMetric {
  std::string name;
  bool greater_is_better;
};

/// The three kinds of sequence classification, in each vocabulary that names them.
struct ClassificationKind {
  std::string task;          // --task
  std::string problem_type;  // config.json
  data::LabelKind label_kind;
  std::vector<ScalarMetric> metrics;  // among those of Evaluate
};

const std::vector<ClassificationKind>& ClassificationKinds();

/// By --task, or by config.json's problem_type. Throws Error naming the known ones.
const ClassificationKind& KindOfTask(const std::string& task);
const ClassificationKind& KindOfProblemType(const std::string& problem_type);

struct ClassificationOptions {
  double label_smoothing = 0.0;
  infer::PredictOptions evaluation;
  bool must_be_finite = false;  // Evaluate throws Error for outputs that are not, see infer::CheckFinite
};

/// Sequence classification as transformers trains it: cross entropy for one label, binary cross entropy for
/// several, squared error for regression, of whatever number of outputs.
class Classification : public Task {
 public:
  Classification(model::PretrainedClassifier& classifier, const ClassificationOptions& options);

  /// Computes what the model's frozen stages give for the training data, and for the validation data if there
  /// are any (may be null), and from then on trains and evaluates on that; nothing may be frozen or unfrozen
  /// afterwards. Both data sets must outlive this. Throws RunError if the disk has no room. Returns the bytes
  /// kept, to which options.max_memory_bytes applies together.
  int64_t KeepFrozenStates(const data::Dataset& train, const data::Dataset* validation,
                           const infer::FrozenStatesOptions& options);

  torch::nn::Module& module() override { return *classifier_.model; }
  std::vector<std::string> sparse_gradients() const override { return classifier_.model->sparse_gradients(); }
  int64_t CountTargets(const data::PackedBatch& batch) const override;
  at::Tensor LossSum(const data::PackedBatch& batch) override;
  Metrics Evaluate(const data::Dataset& dataset) override;
  void Save(const std::filesystem::path& directory) override;
  void Restore(const std::filesystem::path& directory) override;
  int64_t passes() const override;
  void set_passes(int64_t passes) override;

 private:
  at::Tensor LogitsOf(const data::Dataset& dataset);
  at::Tensor LossOfLogits(const at::Tensor& logits, const at::Tensor& labels) const;

  model::PretrainedClassifier& classifier_;
  ClassificationOptions options_;
  data::LabelKind label_kind_;
  std::vector<infer::FrozenStates> kept_;  // of the training data, then of the validation data
};

}  // namespace gemtune::train
