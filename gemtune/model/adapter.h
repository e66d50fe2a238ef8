#pragma once

#include <torch/nn/module.h>

#include <filesystem>

#include "gemtune/model/adapter_config.h"

namespace gemtune::model {

/// Whether it is the directory of an adapter, as peft writes it: adapter_config.json and
/// adapter_model.safetensors.
bool IsAdapter(const std::filesystem::path& path);

/// The outputs of the head that was trained with the adapter. Throws Error if there is none.
int64_t AdapterOutputs(const std::filesystem::path& directory);

/// Throws Error unless adapter_model.safetensors holds exactly the parameters of `model` that require a
/// gradient (those of AttachLora), of their shapes. `model` may lie on the meta device, so that a rank of
/// millions costs nothing.
void CheckAdapterWeights(const std::filesystem::path& directory, const torch::nn::Module& model);

/// Fills every parameter of `model` that requires a gradient from adapter_model.safetensors. Throws Error as
/// CheckAdapterWeights.
void ReadAdapterWeights(const std::filesystem::path& directory, torch::nn::Module& model);

/// Writes both files into `directory`; the weights are all parameters of `model` that require a gradient, in
/// their dtype.
void WriteAdapter(const std::filesystem::path& directory, const torch::nn::Module& model,
                  const AdapterConfig& config);

}  // namespace gemtune::model
