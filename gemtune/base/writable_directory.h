#pragma once

#include <filesystem>
#include <string>

namespace gemtune {

/// Creates the directory `path`, the value of `option`, if it does not exist. Throws Error if it is not
/// writable. To be called before any work.
void MakeWritableDirectory(const std::filesystem::path& path, const std::string& option);

}  // namespace gemtune
