#pragma once

#include <filesystem>

#include "gemtune/model/pretrained.h"

namespace gemtune::model {

/// The adapter in the directory `path` on its base, which lies at `base_model` or, where that is empty, where
/// the adapter says; see PretrainedClassifier::FromTrained. Throws Error before anything is allocated where
/// the two do not fit.
PretrainedClassifier LoadAdapter(const std::filesystem::path& path, const LoadOptions& options,
                                 const std::filesystem::path& base_model);

}  // namespace gemtune::model
