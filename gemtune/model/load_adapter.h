#pragma once

#include <filesystem>
#include <memory>

#include "gemtune/model/adapter_weights.h"
#include "gemtune/model/pretrained.h"

namespace gemtune::model {

/// Loads the adapter in the directory `path` with its base: `base_model` or, if that is empty, the path
/// or the name in Hugging Face's cache that the adapter's configuration has; see
/// PretrainedClassifier::FromTrained. If the two do not fit, throws Error before allocating anything.
PretrainedClassifier LoadClassifierAdapter(const std::filesystem::path& path, const LoadOptions& options,
                                           const std::filesystem::path& base_model);

/// The files of a language model's adapter and of its base, which were found to fit; no weights are loaded.
struct CausalLmAdapter {
  AdapterConfig config;
  AdapterWeights weights;
  ModelSource base;
};

/// Opens the adapter in the directory `path` with its base, see LoadClassifierAdapter. Throws Error for files
/// that are missing, damaged, or do not fit one another.
CausalLmAdapter OpenCausalLmAdapter(const std::filesystem::path& path, const LoadOptions& options,
                                    const std::filesystem::path& base_model);

/// Loads them; see PretrainedCausalLm::FromTrained.
PretrainedCausalLm LoadCausalLmAdapter(const std::filesystem::path& path, const LoadOptions& options,
                                       const std::filesystem::path& base_model);

/// Either of them, by the adapter's task_type. `adapter` may also be a name in Hugging Face's cache.
std::unique_ptr<Pretrained> LoadAdapter(const std::filesystem::path& adapter, const LoadOptions& options,
                                        const std::filesystem::path& base_model);

}  // namespace gemtune::model
