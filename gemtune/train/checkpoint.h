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

/// The steps of the whole checkpoints that gemtune wrote in `output_dir`, rising. A checkpoint is whole when
/// it has its trainer_state.json; one that was cut off while it was written never had the name.
std::vector<int64_t> CheckpointSteps(const std::filesystem::path& output_dir);

/// The names of what is called as a checkpoint there and is none, or not gemtune's (transformers' Trainer
/// gives its own the same name).
std::vector<std::string> ForeignCheckpoints(const std::filesystem::path& output_dir);

/// Writes CheckpointPath(output_dir, step): `write` fills a directory of another name, which gets a
/// trainer_state.json of `state` and the record of its files, is flushed to the disk and renamed. Throws
/// RunError where the disk refuses or something of that name is there; nothing is left of it then, and all
/// the other checkpoints stand.
void WriteCheckpoint(const std::filesystem::path& output_dir, int64_t step,
                     const nlohmann::ordered_json& state,
                     const std::function<void(const std::filesystem::path& directory)>& write);

/// trainer_state.json. Throws Error if there is none or it is not JSON.
nlohmann::ordered_json ReadCheckpointState(const std::filesystem::path& checkpoint);

/// Of all files in it.
int64_t DirectoryBytes(const std::filesystem::path& directory);

/// Removes the checkpoint of `step`. Throws Error for one into which somebody put a file of his own.
void RemoveCheckpoint(const std::filesystem::path& output_dir, int64_t step);

/// Removes all but the last `limit` checkpoints, and never `kept_step`'s; of one that cannot be removed
/// (RemoveCheckpoint) it warns. 0: keeps all.
void RemoveOldCheckpoints(const std::filesystem::path& output_dir, int64_t limit, int64_t kept_step);

}  // namespace gemtune::train
