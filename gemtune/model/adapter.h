#pragma once

#include <torch/nn/module.h>

#include <filesystem>

#include "gemtune/model/adapter_config.h"

namespace gemtune::model {

/// The file beside an adapter that says what its outputs mean, in the terms of config.json. It is a separate
/// file because a config.json there would make transformers look for a whole model, and peft drops unknown
/// entries of adapter_config.json.
inline constexpr const char* kAdapterHeadName = "classifier.json";

/// Whether `path` is the directory of an adapter, as peft writes it: adapter_config.json and
/// adapter_model.safetensors.
bool IsAdapter(const std::filesystem::path& path);

/// Writes both files into `directory`, see WriteAdapterWeights and WriteAdapterConfig.
void WriteAdapter(const std::filesystem::path& directory, const torch::nn::Module& model,
                  const AdapterConfig& config);

}  // namespace gemtune::model
