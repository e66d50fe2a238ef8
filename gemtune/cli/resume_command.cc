#include "gemtune/cli/resume_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

#include "gemtune/train/run/directory.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;

std::string ShellQuoted(const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_@%+=:,./-").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain && !text.empty()) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string ResumeCommand(const fs::path& output_dir) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path record = fs::absolute(output_dir / train::RunDirectory::kRecord).lexically_normal();
  return fmt::format("{} train --config {} --resume-from-checkpoint",
                     ShellQuoted(error ? "gemtune" : program.string()), ShellQuoted(record.string()));
}

}  // namespace gemtune::cli
