#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/model/lora_config.h"

namespace gemtune::model {

/// Decides which modules a LoraConfig means, by the rules of peft 0.21 (check_target_module_exists,
/// get_pattern_key and _set_trainable), applied to the modules' paths in transformers' model. Every `path`
/// argument is the path of gemtune's own module, as in a text-only model: "model.layers.0.self_attn.q_proj",
/// "score".
class LoraTargets {
 public:
  /// `config` is for `model`. Throws Error for an invalid expression.
  LoraTargets(const LoraConfig& config, const torch::nn::Module& model);

  /// Whether the module gets an adapter, provided that it is linear and not IsWithinSaved.
  bool IsTarget(const std::string& path) const;

  /// Whether modules_to_save names the module.
  bool IsSaved(const std::string& path) const;

  /// Whether the module is, or is within, the head or a module that modules_to_save names.
  bool IsWithinSaved(const std::string& path) const;

  /// `config` with the r and lora_alpha of this module.
  LoraConfig At(const std::string& path) const;

  /// Rewrites `config` so that peft finds the same modules in transformers' model: lists the paths there of
  /// the adapted modules (`targets`) and of those that modules_to_save names (`saved`), with their ranks. For
  /// a text-only model names stay as given; a multimodal one has modules of the same names in its vision
  /// tower.
  void Resolve(const std::vector<std::string>& targets, const std::vector<std::string>& saved,
               LoraConfig& config) const;

 private:
  using Matcher = std::function<bool(const std::string& model_path)>;

  // Whether `matches` holds for the module's path in the model that `config_` was written for.
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
