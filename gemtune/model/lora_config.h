#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gemtune::model {

/// Names and meanings are those of gemtune's options and of peft.LoraConfig; defaults are gemtune's.
struct LoraConfig {
  int64_t r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0.0;  // in [0, 1)
  bool use_rslora = false;    // Kalajdzievski 2023
  bool use_dora = false;      // Liu et al. 2024
  /// The linear modules to adapt: those whose path is one of these names or ends in "." + one of them, ...
  std::vector<std::string> target_modules;
  /// ... or, if this is not "", those whose whole path matches this expression, see Pattern. If neither is
  /// given: all in the trunk.
  std::string target_pattern;
  /// Modules not to adapt: names and an expression, interpreted as for the targets.
  std::vector<std::string> exclude_modules;
  std::string exclude_pattern;
  /// Unless empty, a name in target_modules that is not a whole path applies to these layers only. The
  /// layer's number follows a match of one of the expressions in layers_pattern or, if there are none, any
  /// name.
  std::vector<int64_t> layers_to_transform;
  std::vector<std::string> layers_pattern;
  /// r and lora_alpha of individual modules. The first entry counts whose expression matches the path or the
  /// end of it after a dot.
  std::vector<std::pair<std::string, int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
  /// Modules trained and saved whole: those whose path ends in one of these names. The head, `score`, always
  /// is.
  std::vector<std::string> modules_to_save;
  /// The prefix, in place of "model.", of the module paths that all of the above are matched against: that of
  /// the transformers model they were written for (see Gemma3TextConfig::trunk_prefix). nullopt: they are
  /// matched against paths with the prefix of the model to be adapted, and against gemtune's own.
  std::optional<std::string> trunk_prefix;

  /// s in W + s·B·A: lora_alpha / r, for rank-stabilised LoRA lora_alpha / √r.
  double Scaling() const;
};

}  // namespace gemtune::model
