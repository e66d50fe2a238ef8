#pragma once

#include <filesystem>
#include <string>

#include "gemtune/model/lora_config.h"

namespace gemtune::model {

inline constexpr const char* kAdapterConfigName = "adapter_config.json";

// peft's names of what an adapter's model is for: a sequence classifier, or a language model.
inline constexpr const char* kSequenceClassification = "SEQ_CLS";
inline constexpr const char* kCausalLm = "CAUSAL_LM";

/// The contents of adapter_config.json.
struct AdapterConfig {
  LoraConfig lora;
  std::string base_model_name_or_path;              // "owner/name@revision" for peft's two entries
  std::string task_type = kSequenceClassification;  // or kCausalLm
};

/// Throws Error for a file that is missing or damaged, and for settings that gemtune does not know and that
/// change the results (another method or task, trained tokens, own biases and so on). The message then says
/// how to merge such an adapter into a whole model with peft. `bias` may have any value, because Gemma 3's
/// text model has no biases.
AdapterConfig ReadAdapterConfig(const std::filesystem::path& directory);

/// Writes adapter_config.json as peft does.
void WriteAdapterConfig(const std::filesystem::path& directory, const AdapterConfig& config);

/// For messages: what to do about an adapter in `directory` that peft can use but gemtune cannot.
std::string MergeAdvice(const std::filesystem::path& directory,
                        const std::string& task_type = kSequenceClassification);

}  // namespace gemtune::model
