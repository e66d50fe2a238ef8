#pragma once

#include <filesystem>
#include <string>

namespace gemtune::cli {

/// The command that resumes the run in `output_dir`, ready to be pasted into a shell in any folder.
std::string ResumeCommand(const std::filesystem::path& output_dir);

/// The command that tries out the model that a run for `task` left in `output_dir`.
std::string UseCommand(const std::filesystem::path& output_dir, const std::string& task);

/// What follows "gemtune ": the same with `model` as it is.
std::string UseArguments(const std::string& model, const std::string& task);

}  // namespace gemtune::cli
