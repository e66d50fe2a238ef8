#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/base/memory.h"
#include "gemtune/data/data_check.h"
#include "gemtune/model/heads.h"
#include "gemtune/train/memory_plan.h"
#include "gemtune/train/method.h"
#include "gemtune/train/run_size.h"

namespace gemtune::cli {

/// The options of a run that its size follows from, as they are in effect.
struct PlanRequest {
  std::string model;   // --model
  std::string method;  // --method
  train::MethodOptions method_options;
  train::TrainerOptions trainer;
  at::ScalarType dtype = at::kFloat;
  model::BaseWeights base_weights = model::BaseWeights::kNumbers;  // --base-dtype
  bool gradient_checkpointing = false;
  bool cache_frozen = false;
  int64_t eval_batch_tokens = 0;
  int64_t max_length = 0;
  int64_t num_labels = 0;
};

/// Whether a run computes once what the frozen layers give (infer/frozen_states.h): where that is asked for,
/// or where every layer is frozen, so that it is a row an example, as soon as it is used twice.
bool KeepsFrozenStates(model::SequenceClassifier& model, const data::Dataset& train,
                       const train::TrainerOptions& trainer, bool cache_frozen);

/// What a run will take, known before the weights are loaded.
class RunPlan {
 public:
  /// `process_bytes` is what the process has in memory by then. Throws Error for a model that cannot be read.
  RunPlan(const PlanRequest& request, const data::DataSplits& data, int64_t process_bytes);

  const train::RunSize& size() const { return size_; }
  const train::MemoryPlan& memory() const { return memory_; }

  /// Stages of the model whose results are kept, see KeepsFrozenStates; 0: none.
  int64_t kept_stages() const { return kept_stages_; }

  /// Operations of the layers' products in the largest pass, forwards and backwards, if all is trained: an
  /// upper bound, where model::CountFlops counts a pass that is there.
  int64_t pass_flops() const { return 6 * config_.num_layer_parameters() * size_.pass_tokens; }

  /// Lines on standard error: data by length, steps; memory.
  void Log() const;
  void LogMemory() const;

  nlohmann::ordered_json ToJson() const;

  /// Throws Error where the run cannot fit, naming what would make it fit; warns where only what is free now
  /// is too little. What is free is no limit: other programs end, and the system can swap.
  void CheckFits(const MemoryLimit& limit, int64_t available_bytes) const;

 private:
  void PlanMeasuring(const data::DataSplits& data);
  train::MemoryPlan Foresee(const PlanRequest& request, int64_t pass_tokens) const;
  std::string Advice(int64_t limit_bytes) const;
  int64_t FittingPassTokens(int64_t limit_bytes) const;

  PlanRequest request_;
  train::RunSize size_;
  std::vector<data::LengthBucket> histogram_;  // of the training data, as the next three
  int64_t train_examples_, train_tokens_, truncated_;
  model::Gemma3TextConfig config_;
  train::MemoryPlanInput input_;  // but for what differs between Foresee's requests
  train::MemoryPlan memory_;
  int64_t kept_stages_ = 0, parameters_ = 0, trained_parameters_ = 0;
};

}  // namespace gemtune::cli
