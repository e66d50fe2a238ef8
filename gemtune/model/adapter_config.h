#pragma once

#include <filesystem>
#include <string>

#include "gemtune/model/lora_config.h"

namespace gemtune::model {

inline constexpr const char* kAdapterConfigName = "adapter_config.json";

/// What adapter_config.json says.
struct AdapterConfig {
  LoraConfig lora;
  std::string base_model_name_or_path;
};

/// Throws Error for a file that is missing or damaged, and for settings that change what is computed and that
/// gemtune does not know: of another method, task or model, with biases, other ranks by module, and so on.
AdapterConfig ReadAdapterConfig(const std::filesystem::path& directory);

}  // namespace gemtune::model
