#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gemtune::train {

/// `output_dir`/checkpoint-<step>, as transformers names it.
std::filesystem::path CheckpointPath(const std::filesystem::path& output_dir, int64_t step);

/// The steps of the complete checkpoints that gemtune wrote in `output_dir`, ascending. A checkpoint is
/// complete when it has its trainer_state.json; one whose writing was interrupted never got its final name.
std::vector<int64_t> CheckpointSteps(const std::filesystem::path& output_dir);

/// The names of files and directories there that are named like a checkpoint but are not one of gemtune's.
/// (transformers' Trainer uses the same names.)
std::vector<std::string> ForeignCheckpoints(const std::filesystem::path& output_dir);

/// Writes CheckpointPath(output_dir, step): `write` fills a directory with a temporary name; then
/// trainer_state.json (`state`) and the record of files are added, everything is flushed to the disk and the
/// directory is renamed. Throws RunError if writing fails or the name is taken; then nothing of the new
/// checkpoint remains, and all others are intact.
void WriteCheckpoint(const std::filesystem::path& output_dir, int64_t step,
                     const nlohmann::ordered_json& state,
                     const std::function<void(const std::filesystem::path& directory)>& write);

/// What gemtune knows of trainer_state.json (OfTransformers). Throws Error if there is none or it is not
/// JSON.
nlohmann::ordered_json ReadCheckpointState(const std::filesystem::path& checkpoint);

/// The total size of all files in it.
int64_t DirectoryBytes(const std::filesystem::path& directory);

/// Removes the checkpoint of `step`. Throws Error if it holds a file that gemtune did not write.
void RemoveCheckpoint(const std::filesystem::path& output_dir, int64_t step);

/// Removes all but the last `limit` checkpoints (0: keeps all), and never that of `kept_step`. Warns about
/// one that cannot be removed (RemoveCheckpoint).
void RemoveOldCheckpoints(const std::filesystem::path& output_dir, int64_t limit, int64_t kept_step);

}  // namespace gemtune::train
