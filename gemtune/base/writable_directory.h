#pragma once

#include <filesystem>
#include <string>

namespace gemtune {

/// Makes the directory that `option` names where it does not exist. Throws Error if nothing can be written to
/// it: to be called before any work.
void MakeWritableDirectory(const std::filesystem::path& path, const std::string& option);

}  // namespace gemtune
