#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "gemtune/model/adapter_config.h"

namespace gemtune::model {

/// Whether it is the directory of an adapter, as peft writes it: adapter_config.json and
/// adapter_model.safetensors.
bool IsAdapter(const std::filesystem::path& path);

/// What can be told of an adapter from the names and shapes of its tensors.
struct AdapterContents {
  int64_t outputs = 0;                  // of the head that was trained with it
  std::string trunk_prefix = "model.";  // see Gemma3TextConfig: of the model that it was trained on
  bool has_embedding = false;           // the whole token embedding is saved with it (save_embedding_layers)
};

/// Throws Error if there is no adapter_model.safetensors, no head in it, or an adapter of the embedding.
AdapterContents ReadAdapterContents(const std::filesystem::path& directory);

/// Throws Error unless adapter_model.safetensors holds exactly the parameters of `model` that require a
/// gradient (those of AttachLora), of their shapes, under the names of any layout (io::TextModelName); what
/// it holds for a vision tower is passed over. `model` may lie on the meta device, so that a rank of millions
/// costs nothing.
void CheckAdapterWeights(const std::filesystem::path& directory, const torch::nn::Module& model);

/// Fills every parameter of `model` that requires a gradient from adapter_model.safetensors. Throws Error as
/// CheckAdapterWeights.
void ReadAdapterWeights(const std::filesystem::path& directory, torch::nn::Module& model);

/// Writes both files into `directory`; the weights are all parameters of `model` that require a gradient, in
/// their dtype, under the names that peft looks for in transformers' model (LoraConfig::trunk_prefix).
void WriteAdapter(const std::filesystem::path& directory, const torch::nn::Module& model,
                  const AdapterConfig& config);

}  // namespace gemtune::model
