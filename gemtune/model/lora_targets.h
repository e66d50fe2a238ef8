#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/lora_config.h"

namespace gemtune::model {

/// Which modules a LoraConfig means, by the rules of peft 0.21 (check_target_module_exists, get_pattern_key
/// and _set_trainable) on the paths that the modules have in transformers' model. Every `path` here is that
/// of gemtune's own module, as in a text-only model: "model.layers.0.self_attn.q_proj", "score".
class LoraTargets {
 public:
  /// `config` is for `model`. Throws Error for an expression that is none.
  LoraTargets(const LoraConfig& config, const torch::nn::Module& model);

  /// Does it get an adapter, if it is linear and IsWithinSaved says no?
  bool IsTarget(const std::string& path) const;

  /// Does modules_to_save name it?
  bool IsSaved(const std::string& path) const;

  /// Is it, or is it within, a module that modules_to_save names, or the head?
  bool IsWithinSaved(const std::string& path) const;

  /// `config` with the r and lora_alpha of this module.
  LoraConfig At(const std::string& path) const;

  /// Replaces what `config` says by what it came to, so that peft finds the same in transformers' model: the
  /// paths there of the modules that are adapted (`targets`) and of those that modules_to_save names
  /// (`saved`), with their ranks. On a text-only model names stay as they were given; in a multimodal one the
  /// vision tower has modules of the same names.
  void Resolve(const std::vector<std::string>& targets, const std::vector<std::string>& saved,
               LoraConfig& config) const;

 private:
  using Matcher = std::function<bool(const std::string& model_path)>;

  // Whether `matches` holds for the path in the model that `config_` was written for.
  bool Any(const std::string& path, const Matcher& matches) const;

  LoraConfig config_;
  std::string own_prefix_;  // of the model that is adapted
  Matcher is_target_, is_excluded_, is_saved_, is_within_saved_;
  std::vector<std::pair<Matcher, int64_t>> ranks_;
  std::vector<std::pair<Matcher, double>> alphas_;
};

/// "model.layers.0.mlp" → "model.language_model.layers.0.mlp" for that prefix; "score" stays.
std::string ModelPath(const std::string& path, const std::string& trunk_prefix);

}  // namespace gemtune::model
