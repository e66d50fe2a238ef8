#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "gemtune/io/checkpoint.h"

namespace gemtune::io {

/// What made the weights of a Hugging Face checkpoint something else than plain numbers ("bitsandbytes",
/// "GPTQ", "AWQ", "fp8", ...): told by the names and types of its tensors, called as config.json calls it. ""
/// where all are plain, whatever config.json still says.
std::string QuantisedBy(const nlohmann::ordered_json& config, std::span<const TensorInfo> tensors);

/// "unsloth/gemma-3-1b-it-unsloth-bnb-4bit" → "unsloth/gemma-3-1b-it": the model that one of that name was
/// made from. "" for a name that does not say that it is quantised.
std::string UnquantisedName(std::string_view name);

/// Throws Error if the checkpoint in `directory` is quantised: which model to take instead.
void RefuseQuantised(const std::filesystem::path& directory, const nlohmann::ordered_json& config,
                     std::span<const TensorInfo> tensors);

}  // namespace gemtune::io
