#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/base/file.h"

namespace gemtune::model {

/// The files in `directory` that mark it as a model: those with names that PretrainedClassifier::Save uses
/// and other programs look for, whoever wrote them.
std::vector<std::string> ModelFilesIn(const std::filesystem::path& directory);

/// Checks a directory before a model is written to it. Throws Error if it holds a file that gemtune did not
/// write and that programs would read instead of the new model: adapter_config.json beside a whole model,
/// config.json beside an adapter.
void RefuseShadows(const std::filesystem::path& directory, bool writes_adapter);

/// Throws Error if writing to `directory` would replace files of the model at `source`, whatever paths or
/// links name the two. `option` is the option that names the directory.
void RefuseInPlace(const std::filesystem::path& source, const std::filesystem::path& directory,
                   const std::string& option);

/// Moves the model in `written` to `directory`, records its files there (io::FileRecord), and removes files
/// that gemtune wrote there for an earlier model.
void CommitModel(AtomicDirectory& written, const std::filesystem::path& directory);

}  // namespace gemtune::model
