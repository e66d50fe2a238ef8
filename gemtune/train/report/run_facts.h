#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "gemtune/data/data_check.h"
#include "gemtune/train/run/options.h"
#include "gemtune/train/tasks/task.h"

namespace gemtune::train {

/// The file of a run's directory with what report.html shows and no other file of it has.
inline constexpr char kFactsFile[] = "report.json";

/// Known before the first step: the run's task, method and model, versions, machine, and the lengths of its
/// examples. page.md says what the fields are.
nlohmann::ordered_json FactsOf(const RunOptions& options, at::ScalarType dtype, const data::DataSplits& data);

/// The texts of the "most_wrong" rows of `metrics` (ProbabilityMetrics), cut into tokens with what each of
/// them contributed to the wrong class (infer::IntegratedGradients with few points), as long as that takes
/// less than `seconds`.
nlohmann::ordered_json WrongExamples(Task& task, const data::Dataset& dataset, const Metrics& metrics,
                                     const std::string& split, double seconds);

/// Answers of the model as "generations": prompt, reference and, under `name` ("before" or "after" training),
/// what it writes, beside what `earlier` has. Of a task without answers an empty list.
nlohmann::ordered_json Generations(Task& task, const data::DataSplits& data, const char* name,
                                   nlohmann::ordered_json earlier);

}  // namespace gemtune::train
