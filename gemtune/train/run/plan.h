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

/// The memory of a device, as measured once: the machine's, or a card's own.
struct MachineMemory {
  int64_t resident_bytes = 0;        // of this process
  int64_t available_bytes = 0;       // that this process can take without swapping; 0: unknown
  MemoryLimit limit = {};            // on a card: what is free
  int64_t host_available_bytes = 0;  // available_bytes of the machine
  bool is_card = false;

  static MachineMemory Of(const ops::Device& device);
};

/// Whether a run computes the results of frozen layers only once (infer/frozen_states.h): if the user asks
/// for it, or if every layer is frozen, so that the result is one row per example, and it is used at least
/// twice.
bool KeepsFrozenStates(const model::Gemma3Model& trunk, const data::Dataset& train,
                       const RunOptions& options);

/// The steps, memory and so on that a run will need, known before the weights are loaded.
class RunPlan {
 public:
  /// `options` come from Completed; `num_outputs` are the head's.
  RunPlan(const RunOptions& options, at::ScalarType dtype, int64_t num_outputs,
          const model::ModelSource& source, const data::DataSplits& data, const MachineMemory& machine);

  const RunSize& size() const { return size_; }
  const MemoryPlan& memory() const { return memory_; }

  /// Stages of the model whose results are kept, see KeepsFrozenStates; 0: none.
  int64_t kept_stages() const { return kept_stages_; }

  /// Operations of the layers' matrix products in the largest pass, forward and backward, if everything is
  /// trained: an upper bound. (model::CountFlops counts an actual pass.)
  int64_t pass_flops() const { return 6 * source_.config.num_layer_parameters() * size_.pass_tokens; }

  /// Log the plan on standard error: the first logs lengths of the data and steps, the second memory.
  void Log() const;
  void LogMemory() const;

  nlohmann::ordered_json ToJson() const;

  /// Kept states of up to this many bytes are held in memory; more are held in a file.
  int64_t max_kept_bytes() const { return machine_.host_available_bytes / 2; }

  /// Throws Error if the run cannot fit, saying what would make it fit. Only warns if it is more than the
  /// memory free now, since other programs may end and the system can swap.
  void CheckFits() const;

 private:
  // The options in which the considered runs differ.
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
  std::vector<data::LengthBucket> histogram_;  // of the training data, like the next three
  int64_t train_examples_, train_tokens_, truncated_;
  model::ModelSource source_;
  MemoryPlanInput input_;  // except for what differs between Foresee's variants
  MemoryPlan memory_;
  int64_t kept_stages_ = 0, parameters_ = 0, trained_parameters_ = 0;
};

}  // namespace gemtune::train
