#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/base/memory.h"
#include "gemtune/data/data_check.h"
#include "gemtune/train/run/memory_plan.h"
#include "gemtune/train/run/options.h"
#include "gemtune/train/run/size.h"

namespace gemtune::train {

/// What the machine has, asked once.
struct MachineMemory {
  int64_t resident_bytes = 0;   // of this process
  int64_t available_bytes = 0;  // that it can take without swapping; 0: unknown
  MemoryLimit limit = {};

  static MachineMemory Now();
};

/// Whether a run computes once what the frozen layers give (infer/frozen_states.h): where that is asked for,
/// or where every layer is frozen, so that it is a row an example, as soon as it is used twice.
bool KeepsFrozenStates(const model::Gemma3Model& trunk, const data::Dataset& train,
                       const RunOptions& options);

/// What a run will take, known before the weights are loaded.
class RunPlan {
 public:
  /// `options` as Completed gives them; `num_outputs` of the head.
  RunPlan(const RunOptions& options, at::ScalarType dtype, int64_t num_outputs,
          const model::ModelSource& source, const data::DataSplits& data, const MachineMemory& machine);

  const RunSize& size() const { return size_; }
  const MemoryPlan& memory() const { return memory_; }

  /// Stages of the model whose results are kept, see KeepsFrozenStates; 0: none.
  int64_t kept_stages() const { return kept_stages_; }

  /// Operations of the layers' products in the largest pass, forwards and backwards, if all is trained: an
  /// upper bound, where model::CountFlops counts a pass that is there.
  int64_t pass_flops() const { return 6 * config_.num_layer_parameters() * size_.pass_tokens; }

  /// Lines on standard error: data by length, steps; memory.
  void Log() const;
  void LogMemory() const;

  nlohmann::ordered_json ToJson() const;

  /// Bytes of kept states up to which they are in memory, and above which in a file.
  int64_t max_kept_bytes() const { return machine_.available_bytes / 2; }

  /// Throws Error where the run cannot fit, naming what would make it fit; warns where only what is free now
  /// is too little. What is free is no limit: other programs end, and the system can swap.
  void CheckFits() const;

 private:
  // What differs between the runs that are considered.
  struct Variant {
    std::string method;
    at::ScalarType dtype;
    bool gradient_checkpointing;
  };
  TaskOutline Outline(const Variant& variant) const;
  void PlanMeasuring(const data::DataSplits& data);
  MemoryPlan Foresee(const Variant& variant, int64_t pass_tokens) const;
  std::string Advice() const;
  int64_t FittingPassTokens() const;

  RunOptions options_;
  int64_t num_outputs_;
  MachineMemory machine_;
  Variant as_asked_;
  RunSize size_;
  std::vector<data::LengthBucket> histogram_;  // of the training data, as the next three
  int64_t train_examples_, train_tokens_, truncated_;
  model::Gemma3TextConfig config_;
  MemoryPlanInput input_;  // but for what differs between Foresee's variants
  MemoryPlan memory_;
  int64_t kept_stages_ = 0, parameters_ = 0, trained_parameters_ = 0;
};

}  // namespace gemtune::train
