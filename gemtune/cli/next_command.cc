#include "gemtune/cli/next_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

#include "gemtune/train/run/directory.h"
#include "gemtune/train/tasks/tasks.h"

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

// This one, wherever it lies.
std::string Program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return ShellQuoted(error ? "gemtune" : program.string());
}

}  // namespace

std::string ResumeCommand(const fs::path& output_dir) {
  const fs::path record = fs::absolute(output_dir / train::RunDirectory::kRecord).lexically_normal();
  return fmt::format("{} train --config {} --resume-from-checkpoint", Program(),
                     ShellQuoted(record.string()));
}

std::string UseArguments(const std::string& model, const std::string& task) {
  const bool judges = train::FindTask(task).row_kind == data::RowKind::kText;
  return judges ? fmt::format("predict --model {} --explain \"A film of rare warmth.\"", ShellQuoted(model))
                : fmt::format("generate --model {} \"Once upon a time\"", ShellQuoted(model));
}

std::string UseCommand(const fs::path& output_dir, const std::string& task) {
  return fmt::format("{} {}", Program(),
                     UseArguments(fs::absolute(output_dir).lexically_normal().string(), task));
}

}  // namespace gemtune::cli
