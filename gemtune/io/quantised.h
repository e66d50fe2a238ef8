#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "gemtune/io/checkpoint.h"

namespace gemtune::io {

/// The method that quantised a Hugging Face checkpoint ("bitsandbytes", "GPTQ", "AWQ", "fp8", ...). It is
/// recognised by the names and types of the tensors, and named as in config.json. "" if all weights are plain
/// numbers, even if config.json says otherwise.
std::string QuantisedBy(const nlohmann::ordered_json& config, std::span<const TensorInfo> tensors);

/// "unsloth/gemma-3-1b-it-unsloth-bnb-4bit" → "unsloth/gemma-3-1b-it": the model from which a quantised model
/// of this name was made. "" if the name is not that of a quantised model.
std::string UnquantisedName(std::string_view name);

/// Throws an Error that says which model to use instead if the checkpoint in `directory` is quantised.
void RefuseQuantised(const std::filesystem::path& directory, const nlohmann::ordered_json& config,
                     std::span<const TensorInfo> tensors);

}  // namespace gemtune::io
