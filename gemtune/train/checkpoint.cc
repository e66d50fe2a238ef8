#include "gemtune/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/json_file.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr const char* kStateFile = "trainer_state.json";

}  // namespace

fs::path CheckpointPath(const fs::path& output_dir, int64_t step) {
  return output_dir / fmt::format("{}{}", kPrefix, step);
}

std::vector<int64_t> CheckpointSteps(const fs::path& output_dir) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(output_dir, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !fs::exists(entry.path() / kStateFile, error)) continue;
    int64_t step = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, fault] = std::from_chars(name.data() + kPrefix.size(), end, step);
    if (fault == std::errc() && rest == end) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void WriteCheckpoint(const fs::path& output_dir, int64_t step, const nlohmann::ordered_json& state,
                     const std::function<void(const fs::path& directory)>& write) {
  const fs::path path = CheckpointPath(output_dir, step);
  if (fs::exists(path)) RemoveDirectory(path);  // not a whole one: nobody goes on from before that
  AtomicDirectory directory(path);
  write(directory.path());
  WriteFileAtomically(directory.path() / kStateFile, state.dump(2) + "\n");
  directory.Commit();
}

nlohmann::ordered_json ReadCheckpointState(const fs::path& checkpoint) {
  if (!fs::exists(checkpoint / kStateFile)) {
    Fail("{}: is no checkpoint (it has no {})", checkpoint.string(), kStateFile);
  }
  return io::ParseJsonFile(checkpoint / kStateFile);
}

int64_t DirectoryBytes(const fs::path& directory) {
  int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

void RemoveOldCheckpoints(const fs::path& output_dir, int64_t limit, int64_t kept_step) {
  const std::vector<int64_t> steps = CheckpointSteps(output_dir);
  const int64_t surplus = limit > 0 ? std::ssize(steps) - limit : 0;
  for (int64_t i = 0; i < surplus; ++i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    if (step != kept_step) RemoveDirectory(CheckpointPath(output_dir, step));
  }
}

}  // namespace gemtune::train
