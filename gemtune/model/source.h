#pragma once

#include <filesystem>

#include "gemtune/io/checkpoint.h"
#include "gemtune/model/config.h"

namespace gemtune::model {

/// The files of a model, opened once for everything that is read from them. Cheap to copy: copies share the
/// mapped files, which stay mapped as long as a copy or a tensor that views them exists.
struct ModelSource {
  std::filesystem::path path;
  io::Checkpoint checkpoint;
  Gemma3TextConfig config;

  /// `model` is a path, or a name in Hugging Face's cache (io::hub::FindModel). Throws Error for files that
  /// are missing, damaged or belong to another kind of model.
  static ModelSource Open(const std::filesystem::path& model);
};

}  // namespace gemtune::model
