#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <string>

#include "gemtune/model/lora.h"

namespace gemtune::model {

/// What adapter_config.json says.
struct AdapterConfig {
  LoraConfig lora;
  std::string base_model_name_or_path;
};

/// Whether it is the directory of an adapter, as peft writes it: adapter_config.json and
/// adapter_model.safetensors.
bool IsAdapter(const std::filesystem::path& path);

/// Throws Error for files that are missing or damaged, and for settings that change what is computed and that
/// gemtune does not know: of another method, task or model, with biases, other ranks by module, and so on.
AdapterConfig ReadAdapterConfig(const std::filesystem::path& directory);

/// The outputs of the head that was trained with the adapter. Throws Error if there is none.
int64_t AdapterOutputs(const std::filesystem::path& directory);

/// Fills every parameter of `model` that requires a gradient (those of AttachLora) from
/// adapter_model.safetensors. Throws Error for a tensor that is missing, has another shape or is of no use.
void ReadAdapterWeights(const std::filesystem::path& directory, torch::nn::Module& model);

/// Writes both files into `directory`; the weights are all parameters of `model` that require a gradient, in
/// their dtype.
void WriteAdapter(const std::filesystem::path& directory, const torch::nn::Module& model,
                  const AdapterConfig& config);

}  // namespace gemtune::model
