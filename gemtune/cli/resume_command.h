#pragma once

#include <filesystem>
#include <string>

namespace gemtune::cli {

/// What goes on with the run in `output_dir`, as it can be pasted into a shell in any folder.
std::string ResumeCommand(const std::filesystem::path& output_dir);

}  // namespace gemtune::cli
