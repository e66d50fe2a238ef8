#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace gemtune::io {

/// The record of what gemtune wrote into a directory, which lies there as gemtune_files.json. A file that it
/// does not name is somebody else's, whatever it is called: it is never removed, and replaced only where the
/// user said so.
inline constexpr char kFileRecord[] = "gemtune_files.json";

/// What wrote: "model" (PretrainedClassifier::Save), "run" (gemtune train), "checkpoint" (WriteCheckpoint) →
/// the names of its files in the directory, the record's own left out.
using FileRecord = std::map<std::string, std::set<std::string>>;

/// Empty where there is none. Throws Error for one that is damaged or names files of other directories.
FileRecord ReadFileRecord(const std::filesystem::path& directory);

/// Throws RunError where the disk refuses.
void WriteFileRecord(const std::filesystem::path& directory, const FileRecord& record);

/// Whether any part of the record names the file.
bool IsRecorded(const FileRecord& record, const std::string& name);

/// The names of all that is in `directory`, the record left out; none where it does not exist.
std::set<std::string> NamesIn(const std::filesystem::path& directory);

}  // namespace gemtune::io
