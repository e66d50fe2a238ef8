#pragma once

#include <filesystem>

#include "gemtune/io/checkpoint.h"
#include "gemtune/model/config.h"

namespace gemtune::model {

/// Where a model comes from, opened once for all that is read of it. Cheap to copy: copies share the mapped
/// files, which stay as long as one of them, or a tensor that looks into them.
struct ModelSource {
  std::filesystem::path path;
  io::Checkpoint checkpoint;
  Gemma3TextConfig config;

  /// Throws Error for files that are missing or damaged, or of another model.
  static ModelSource Open(const std::filesystem::path& path);
};

}  // namespace gemtune::model
