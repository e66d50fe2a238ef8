#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/run/options.h"

namespace gemtune::train {

/// The options of a run, as its caller writes them down. Together with its inputs (DescribeInputs) they
/// identify the run when it is resumed.
struct RunRecord {
  nlohmann::ordered_json options = nlohmann::ordered_json::object();  // name → value, as text
  std::set<std::string> free = {};  // the options that do not change the training's numbers, and may differ
  std::string text = {};            // the contents of RunDirectory::kRecord
  /// What one does with the model in its directory, for its card: title and command.
  std::vector<std::pair<std::string, std::string>> commands = {};
  /// Reads the options from the kRecord of a run that has no checkpoint yet; if empty, they are not compared.
  std::function<nlohmann::ordered_json(const std::filesystem::path& record)> read = {};
};

/// The record of a run that no command line began, from `options` as Completed gives them: those that change
/// the training's numbers and are not seen in its inputs.
RunRecord RecordOf(const RunOptions& options);

/// The inputs of a run by content, not by path: fingerprints of its data (`validation` may be null) and of
/// the weights of `model`, their type, and the number of threads.
nlohmann::ordered_json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                                      const torch::nn::Module& model);

/// Compares two descriptions of the same kind: `saved`, from the `source` (a checkpoint or run.toml) of the
/// run in the output directory, and `now`, of the run that is to resume it. Throws an Error listing the
/// differences that would change the numbers; warns about another number of threads, which changes their
/// rounding.
void CheckSame(const nlohmann::ordered_json& saved, const nlohmann::ordered_json& now,
               const std::string& source, const std::set<std::string>& free = {});

}  // namespace gemtune::train
