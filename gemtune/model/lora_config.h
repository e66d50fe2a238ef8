#pragma once

#include <cstdint>
#include <string>
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
  /// Modules trained and saved whole: those whose path ends in one of these. The head `score` always is.
  std::vector<std::string> modules_to_save;

  /// s in W + s·B·A: lora_alpha / r, of rank-stabilised LoRA lora_alpha / √r.
  double Scaling() const;
};

}  // namespace gemtune::model
