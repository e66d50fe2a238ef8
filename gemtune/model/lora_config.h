#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gemtune::model {

/// Names, meanings and, where nothing is said, defaults of gemtune's options; names and meanings of
/// peft.LoraConfig.
struct LoraConfig {
  int64_t r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0.0;  // in [0, 1)
  bool use_rslora = false;    // Kalajdzievski 2023
  bool use_dora = false;      // Liu et al. 2024
  /// Which linear modules are adapted: those of these names, or whose path ends in "." + one of them, ...
  std::vector<std::string> target_modules;
  /// ... or, where it is not "", those whose whole path matches this expression, see Pattern. Neither: all of
  /// the trunk.
  std::string target_pattern;
  /// Of these none is adapted: names and an expression that mean what those of the targets do.
  std::vector<std::string> exclude_modules;
  std::string exclude_pattern;
  /// Unless empty: a name of target_modules that is no whole path means these layers alone. The layer's
  /// number stands behind what one of the expressions in layers_pattern matches or, if there is none, behind
  /// any name.
  std::vector<int64_t> layers_to_transform;
  std::vector<std::string> layers_pattern;
  /// Other r and lora_alpha of single modules: the first whose expression matches the path, or its end behind
  /// a dot.
  std::vector<std::pair<std::string, int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
  /// Modules trained and saved whole: those whose path ends in one of these. The head `score` always is.
  std::vector<std::string> modules_to_save;
  /// What the paths that all these are compared with begin with in the place of "model.", in the model of
  /// transformers that they were written for (see Gemma3TextConfig::trunk_prefix). Nothing: in that of the
  /// model to be adapted, or as gemtune names its modules.
  std::optional<std::string> trunk_prefix;

  /// s in W + s·B·A: lora_alpha / r, of rank-stabilised LoRA lora_alpha / √r.
  double Scaling() const;
};

}  // namespace gemtune::model
