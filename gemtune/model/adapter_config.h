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
/// gemtune does not know (of another method or task, with trained tokens, biases of their own, and so on): it
/// says how peft makes a whole model of such an adapter. `bias` may be anything, because the text model of
/// Gemma 3 has none.
AdapterConfig ReadAdapterConfig(const std::filesystem::path& directory);

/// Writes adapter_config.json as peft does.
void WriteAdapterConfig(const std::filesystem::path& directory, const AdapterConfig& config);

/// For messages: what to do with an adapter in `directory` that peft can use and gemtune cannot.
std::string MergeAdvice(const std::filesystem::path& directory);

}  // namespace gemtune::model
