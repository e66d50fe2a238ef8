#pragma once

#include <torch/nn/module.h>

#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/cli/option_set.h"
#include "gemtune/data/dataset.h"

namespace gemtune::cli {

/// Every option as it is in effect, name by name.
nlohmann::ordered_json DescribeOptions(const OptionSet& options);

/// What a run starts with, by content and not by place: fingerprints of its data (`validation` may be null)
/// and of the weights of `model`, their type, and the number of threads.
nlohmann::ordered_json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                                      const torch::nn::Module& model);

/// Two of the same kind: what the run in --output-dir was made with, as `source` (a checkpoint or run.toml)
/// has it, and what is to go on with it. Throws Error listing what differs and would change the numbers;
/// warns of another number of threads, which changes their rounding.
void CheckSame(const nlohmann::ordered_json& saved, const nlohmann::ordered_json& now,
               const std::string& source);

}  // namespace gemtune::cli
