#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "gemtune/data/dataset.h"

namespace gemtune::train {

/// What a run is known by when it goes on, beside what it starts with (DescribeInputs): its options, as
/// whoever began it writes them down.
struct RunRecord {
  nlohmann::ordered_json options = nlohmann::ordered_json::object();  // name → value, as text
  std::set<std::string> free = {};  // those of them that change no number of the training, and may differ
  std::string text = {};            // the contents of RunDirectory::kRecord
  /// The options in the kRecord of a run that has no checkpoint yet; not given: they are not compared.
  std::function<nlohmann::ordered_json(const std::filesystem::path& record)> read = {};
};

/// What a run starts with, by content and not by place: fingerprints of its data (`validation` may be null)
/// and of the weights of `model`, their type, and the number of threads.
nlohmann::ordered_json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                                      const torch::nn::Module& model);

/// Two of the same kind: what the run in the output directory was made with, as `source` (a checkpoint or
/// run.toml) has it, and what is to go on with it. Throws Error listing what differs and would change the
/// numbers; warns of another number of threads, which changes their rounding.
void CheckSame(const nlohmann::ordered_json& saved, const nlohmann::ordered_json& now,
               const std::string& source, const std::set<std::string>& free = {});

}  // namespace gemtune::train
