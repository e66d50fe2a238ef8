#pragma once

#include <filesystem>
#include <string>

namespace gemtune::cli {

/// The command that resumes the run in `output_dir`, ready to be pasted into a shell in any folder.
std::string ResumeCommand(const std::filesystem::path& output_dir);

}  // namespace gemtune::cli
