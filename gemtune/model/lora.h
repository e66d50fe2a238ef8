#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/lora_config.h"
#include "gemtune/model/pass_counter.h"
#include "gemtune/ops/projection.h"

namespace gemtune::model {

/// "all-linear", names separated by commas, or a regular expression → target_modules or target_pattern.
/// Throws Error for an invalid expression.
void SetTargetModules(const std::string& text, LoraConfig& config);

/// The adapter of one linear module with the weight W [out, in], which may be in blocks: A [r, in], B [out,
/// r] and, for DoRA, m [out]; see ops::LowRank. They are fp32 whatever W is (double for double), as with
/// peft's autocast_adapter_dtype.
class LoraAdapter {
 public:
  /// Initialises as peft does: A uniform within ±1/√in, B zero, m = ‖W‖ by row, so the model's output is
  /// unchanged at first. Dropout masks are drawn from `seed` too.
  LoraAdapter(const LoraConfig& config, const ops::MatmulWeight& weight, uint64_t seed, PassCounter pass);

  /// Registers the parameters in the linear module, under peft's names: lora_A.weight, lora_B.weight,
  /// lora_magnitude_vector.weight.
  void RegisterIn(torch::nn::Module& linear) const;
  void UnregisterFrom(torch::nn::Module& linear) const;

  /// The adapter's term in this pass, added to x·Wᵀ; with dropout if `is_training`.
  ops::LowRank Term(const ops::MatmulWeight& weight, bool is_training) const;

  /// W + s·B·A, for DoRA m ∘ (W + s·B·A) / ‖W + s·B·A‖; computed in fp32, returned in W's dtype.
  at::Tensor Merged(const at::Tensor& weight) const;

 private:
  at::Tensor Norms(const ops::MatmulWeight& weight) const;  // ‖W + s·B·A‖ by row, [out]

  at::Tensor a_, b_, magnitude_;  // the last undefined without DoRA
  at::Tensor squared_norms_;      // ‖W‖² by row; constant, since the base is frozen
  double scaling_, dropout_;
  uint64_t seed_;
  PassCounter pass_;
};

/// Adds adapters to the targeted modules of `model` and freezes all other parameters except those of
/// modules_to_save and the head. Replaces "all" in `config` by the names found, and anything beyond plain
/// names by the paths that it matched (LoraTargets::Resolve), because in transformers' model it might match
/// modules that are not linear, which peft refuses. As in peft, modules within modules_to_save are not
/// targets. Throws Error if no module is targeted.
PassCounter AttachLora(torch::nn::Module& model, LoraConfig& config, uint64_t seed);

/// Throws Error if the weight of a module in modules_to_save is held in blocks.
void RefuseToTrainBlocks(const torch::nn::Module& model, const LoraConfig& config);

/// Throws Error, listing the modules there are, if a pattern or a name in target_modules or modules_to_save
/// matches none; also as RefuseToTrainBlocks does.
void CheckTargets(const torch::nn::Module& model, const LoraConfig& config);

/// Merges every adapter into its weight.
void MergeLora(torch::nn::Module& model);

}  // namespace gemtune::model
