#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace gemtune::io {

/// gemtune_files.json, the record of the files that gemtune wrote into a directory. A file that it does not
/// name belongs to somebody else, whatever its name: it is never removed, and replaced only if the user says
/// so.
inline constexpr char kFileRecord[] = "gemtune_files.json";

/// The writer, that is, "model" (PretrainedClassifier::Save), "run" (gemtune train) or "checkpoint"
/// (WriteCheckpoint) → the names of its files in the directory, without the record itself.
using FileRecord = std::map<std::string, std::set<std::string>>;

/// Empty if there is none. Throws Error if the record is damaged or names files in other directories.
FileRecord ReadFileRecord(const std::filesystem::path& directory);

/// Throws RunError if writing fails.
void WriteFileRecord(const std::filesystem::path& directory, const FileRecord& record);

/// Whether any part of the record names the file.
bool IsRecorded(const FileRecord& record, const std::string& name);

/// The names of all entries of `directory` except the record; empty if the directory does not exist.
std::set<std::string> NamesIn(const std::filesystem::path& directory);

}  // namespace gemtune::io
