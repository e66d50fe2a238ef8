#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/base/file.h"

namespace gemtune::model {

/// The names, of those that PretrainedClassifier::Save gives to files and by which others know a model, that
/// are there in `directory`, whoever wrote them.
std::vector<std::string> ModelFilesIn(const std::filesystem::path& directory);

/// For a directory that a model is to be written to. Throws Error where it holds a file which gemtune did not
/// write and which would be read in the place of the new model: adapter_config.json beside a whole one,
/// config.json beside an adapter.
void RefuseShadows(const std::filesystem::path& directory, bool writes_adapter);

/// Throws Error if writing to `directory` would replace files of the model at `source`, by whatever path or
/// link both are named. `option` names the directory.
void RefuseInPlace(const std::filesystem::path& source, const std::filesystem::path& directory,
                   const std::string& option);

/// Moves the model in `written` to `directory`, records its files there (io::FileRecord), and removes those
/// which an earlier model left that gemtune had written there.
void CommitModel(AtomicDirectory& written, const std::filesystem::path& directory);

}  // namespace gemtune::model
