#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/lora_config.h"
#include "gemtune/ops/projection.h"

namespace gemtune::model {

/// "all-linear", names separated by commas, or a regular expression → target_modules or target_pattern.
/// Throws Error for an expression that is none.
void SetTargetModules(const std::string& text, LoraConfig& config);

/// The number of the training pass on its way, which all adapters of a model share: it is in the key of each
/// mask of dropout, so that a layer computed again on the way back drops the same numbers. Whoever trains
/// counts it up before each forward pass.
using PassCounter = std::shared_ptr<uint64_t>;

/// The adapter of one linear module with the weight W [out, in], which may stay in blocks: A [r, in], B [out,
/// r] and, of DoRA, m [out]; see ops::LowRank. They are fp32 whatever W is (double for double), as peft's
/// autocast_adapter_dtype has it.
class LoraAdapter {
 public:
  /// As peft initialises: A uniform within ±1/√in, B zero, m = ‖W‖ by row, so that nothing changes at
  /// first. Masks of dropout are drawn from `seed` too.
  LoraAdapter(const LoraConfig& config, const ops::MatmulWeight& weight, uint64_t seed, PassCounter pass);

  /// Registers the parameters in the linear module, under peft's names: lora_A.weight, lora_B.weight,
  /// lora_magnitude_vector.weight.
  void RegisterIn(torch::nn::Module& linear) const;
  void UnregisterFrom(torch::nn::Module& linear) const;

  /// What it adds to x·Wᵀ in this pass; with dropout if `is_training`.
  ops::LowRank Term(const ops::MatmulWeight& weight, bool is_training) const;

  /// W + s·B·A, of DoRA m ∘ (W + s·B·A) / ‖W + s·B·A‖; computed in fp32, in W's dtype.
  at::Tensor Merged(const at::Tensor& weight) const;

 private:
  at::Tensor Norms(const ops::MatmulWeight& weight) const;  // ‖W + s·B·A‖ by row, [out]

  at::Tensor a_, b_, magnitude_;  // the last undefined without DoRA
  at::Tensor squared_norms_;      // ‖W‖² by row; the base does not move
  double scaling_, dropout_;
  uint64_t seed_;
  PassCounter pass_;
};

/// Adapts the targeted modules of `model` and freezes all other parameters but those of modules_to_save and
/// of the head. Replaces "all" by the names found, and what is more than names by the paths that it came to
/// (LoraTargets::Resolve): in transformers' model it may match modules that are not linear, which peft
/// refuses. Modules within modules_to_save are no targets, as in peft. Throws Error if no module is targeted.
PassCounter AttachLora(torch::nn::Module& model, LoraConfig& config, uint64_t seed);

/// Throws Error for a module of modules_to_save whose weight is held in blocks.
void RefuseToTrainBlocks(const torch::nn::Module& model, const LoraConfig& config);

/// Throws Error for a name of target_modules or modules_to_save, or a pattern, that matches no module, and
/// lists those there are; and as RefuseToTrainBlocks.
void CheckTargets(const torch::nn::Module& model, const LoraConfig& config);

/// Makes every adapter part of its weight.
void MergeLora(torch::nn::Module& model);

}  // namespace gemtune::model
