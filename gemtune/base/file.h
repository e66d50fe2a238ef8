#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace gemtune {

/// Reads a whole file. Throws Error if it cannot be opened, is not a regular file or is larger than
/// `max_bytes`.
std::string ReadFile(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 30);

/// A file written piece by piece under a temporary name beside its target. Commit() flushes it to the disk
/// and renames it, so a reader sees either the old file or the complete new one. Without Commit() the
/// destructor removes it. All methods throw a RunError that names the target if writing fails, also for a
/// file in an AtomicDirectory.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends; nothing is buffered here.
  void Write(std::string_view bytes);

  void Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Writes an AtomicFile in one piece.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view contents);

/// A directory written under a temporary name, beside its target or, if the target exists, inside it.
/// Commit() flushes it and renames it into place; without Commit() the destructor removes it. So a run that
/// dies leaves no half-written model under the final name.
class AtomicDirectory {
 public:
  /// Makes `<target>.tmp-<random>` (parents included) or `<target>/incomplete.tmp-<random>`. Throws Error if
  /// that is not possible.
  explicit AtomicDirectory(std::filesystem::path target);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const std::filesystem::path& path() const { return temporary_; }

  /// Moves the directory to its target. Files of the same name in an existing target are replaced one by one,
  /// each atomically, in descending order of their names; other files there are kept. Throws RunError.
  void Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Renames a directory to a temporary name, then removes it with its contents, so that a process that dies in
/// between leaves no partial directory under the old name. Throws RunError.
void RemoveDirectory(const std::filesystem::path& path);

/// Removes entries with temporary names (see above) that a dead process left in `directory`. The caller must
/// know that no other process writes there. Returns their number.
int64_t RemoveLeftovers(const std::filesystem::path& directory);

}  // namespace gemtune
