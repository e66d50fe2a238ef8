#pragma once

#include <torch/nn/module.h>

#include <filesystem>

#include "gemtune/model/adapter_config.h"

namespace gemtune::model {

/// Beside an adapter, what its outputs mean, as config.json would say it. A config.json there makes
/// transformers look for a whole model, and peft drops entries of adapter_config.json that it does not know.
inline constexpr const char* kAdapterHeadName = "classifier.json";

/// Whether it is the directory of an adapter, as peft writes it: adapter_config.json and
/// adapter_model.safetensors.
bool IsAdapter(const std::filesystem::path& path);

/// Writes both files into `directory`, see WriteAdapterWeights and WriteAdapterConfig.
void WriteAdapter(const std::filesystem::path& directory, const torch::nn::Module& model,
                  const AdapterConfig& config);

}  // namespace gemtune::model
