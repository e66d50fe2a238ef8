#include "gemtune/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/io/file_record.h"
#include "gemtune/io/json_file.h"
#include "gemtune/train/trainer_state.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr const char* kCheckpointPart = "checkpoint";

// The step in a checkpoint's name.
std::optional<int64_t> StepOf(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, fault] = std::from_chars(name.data() + kPrefix.size(), end, step);
  return fault == std::errc() && rest == end ? std::optional(step) : std::nullopt;
}

// transformers uses the same name for its own checkpoints.
bool IsOurs(const fs::path& checkpoint) {
  return io::ReadFileRecord(checkpoint).contains(kCheckpointPart);
}

}  // namespace

fs::path CheckpointPath(const fs::path& output_dir, int64_t step) {
  return output_dir / fmt::format("{}{}", kPrefix, step);
}

std::vector<int64_t> CheckpointSteps(const fs::path& output_dir) {
  std::vector<int64_t> steps;
  for (const std::string& name : io::NamesIn(output_dir)) {
    const std::optional<int64_t> step = StepOf(name);
    std::error_code error;
    const fs::path path = output_dir / name;
    if (step && fs::exists(path / kTrainerStateFile, error) && IsOurs(path)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::vector<std::string> ForeignCheckpoints(const fs::path& output_dir) {
  const std::vector<int64_t> steps = CheckpointSteps(output_dir);
  std::vector<std::string> names;
  for (const std::string& name : io::NamesIn(output_dir)) {
    const std::optional<int64_t> step = StepOf(name);
    if (step && !std::binary_search(steps.begin(), steps.end(), *step)) names.push_back(name);
  }
  return names;
}

void WriteCheckpoint(const fs::path& output_dir, int64_t step, const nlohmann::ordered_json& state,
                     const std::function<void(const fs::path& directory)>& write) {
  const fs::path path = CheckpointPath(output_dir, step);
  if (fs::exists(path)) throw RunError(fmt::format("{}: is in the way; move it away", path.string()));
  AtomicDirectory directory(path);
  write(directory.path());
  WriteFileAtomically(directory.path() / kTrainerStateFile, state.dump(2) + "\n");
  io::FileRecord record = io::ReadFileRecord(directory.path());
  for (const std::string& name : io::NamesIn(directory.path())) {
    if (!io::IsRecorded(record, name)) record[kCheckpointPart].insert(name);
  }
  io::WriteFileRecord(directory.path(), record);
  directory.Commit();
}

nlohmann::ordered_json ReadCheckpointState(const fs::path& checkpoint) {
  if (!fs::exists(checkpoint / kTrainerStateFile)) {
    Fail("{}: is not a checkpoint (it has no {})", checkpoint.string(), kTrainerStateFile);
  }
  return OfTransformers(io::ParseJsonFile(checkpoint / kTrainerStateFile));
}

int64_t DirectoryBytes(const fs::path& directory) {
  int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

void RemoveCheckpoint(const fs::path& output_dir, int64_t step) {
  const fs::path path = CheckpointPath(output_dir, step);
  const io::FileRecord record = io::ReadFileRecord(path);
  for (const std::string& name : io::NamesIn(path)) {
    if (io::IsRecorded(record, name)) continue;
    Fail("{}: would be removed, but holds '{}', which gemtune did not write; move it away", path.string(),
         Printable(name));
  }
  RemoveDirectory(path);
}

void RemoveOldCheckpoints(const fs::path& output_dir, int64_t limit, int64_t kept_step) {
  const std::vector<int64_t> steps = CheckpointSteps(output_dir);
  const int64_t surplus = limit > 0 ? std::ssize(steps) - limit : 0;
  for (int64_t i = 0; i < surplus; ++i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    if (step == kept_step) continue;
    try {
      RemoveCheckpoint(output_dir, step);
    } catch (const Error& error) {
      log::Warning("{}", error.what());
    }
  }
}

}  // namespace gemtune::train
